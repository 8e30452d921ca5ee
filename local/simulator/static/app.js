// Wires the page: what the server says is shown, what the player does is sent. All state lives on the server.

import * as api from './api.js';
import { element, Thread } from './thread.js';

const $ = (id) => document.getElementById(id);
const drafts = new Map();
let setup = { pages: [], menu: [], samples: [], troubles: [] };
let chosen = decodeURIComponent(location.hash.slice(1)) || null;
let customers = [];

const thread = new Thread($('scroller'), $('thread'), {
  tap: (title, payload) => act('taps', { text: title, payload }),
  again: (line) => act('again', { line }),
});

/** Runs what the player asked for; a failure is said beside the phone and goes with the next success. */
async function attempt(what) {
  try {
    const result = await what();
    $('problem').hidden = true;
    return result;
  } catch (error) {
    $('problem').textContent = error.message;
    $('problem').hidden = false;
    return undefined;
  }
}

const act = (action, fields) => attempt(() => api.act(chosen, action, fields));

// The people

function choose(key) {
  if (chosen) {
    drafts.set(chosen, $('text').value);
    if (chosen !== key) api.act(chosen, 'opens', { open: false }).catch(() => {});
  }
  chosen = key;
  history.replaceState(null, '', `#${encodeURIComponent(key)}`);
  $('text').value = drafts.get(key) ?? '';
  grow();
  panel(null);
  look();
  refresh();
  refreshStatus();
}

function portrait(customer, size) {
  return element('img', { src: `portraits/${encodeURIComponent(customer.id)}.svg`, alt: '', width: size, height: size });
}

function person(customer) {
  const last = customer.last ? `${customer.last.side === 'customer' ? 'You: ' : ''}${customer.last.text || 'Picture'}` : 'Nothing written yet';
  const mark = customer.failed
    ? element('span', { className: 'mark failed', textContent: '!', title: 'A webhook was not taken' })
    : customer.unread
      ? element('span', { className: 'mark news', textContent: customer.unread })
      : null;
  const button = element(
    'button',
    { type: 'button', className: `person ${customer.unread ? 'unread' : ''}` },
    portrait(customer, 44),
    element('span', { className: 'name', textContent: customer.name }),
    element('span', { className: 'last', textContent: last, dir: 'auto' }),
    mark,
  );
  button.dataset.key = customer.key;
  button.setAttribute('aria-current', String(customer.key === chosen));
  button.onclick = () => choose(customer.key);
  return element('li', {}, button);
}

function showPeople() {
  const focused = document.activeElement?.dataset?.key;
  const own = customers.filter((customer) => !customer.guest);
  const guests = customers.filter((customer) => customer.guest);
  const rows = own.map(person);
  if (guests.length) rows.push(element('li', { className: 'guests', textContent: 'Written to from elsewhere' }), ...guests.map(person));
  $('people').replaceChildren(...rows);
  if (focused) $('people').querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

// The phone

function showThread(shown) {
  $('portrait').src = `portraits/${encodeURIComponent(shown.id)}.svg`;
  $('phone-title').textContent = shown.name;
  $('phone-note').textContent = `writes to Page ${shown.page}`;
  $('who-customer').textContent = shown.name;
  $('key').textContent = shown.key;
  $('empty').hidden = shown.lines.length > 0;
  $('empty').textContent = `You are ${shown.name}. Write something to the Page.`;
  thread.show(shown);
  const last = shown.lines.at(-1);
  const replies = last && last.side !== 'customer' ? last.quick_replies : [];
  showQuickReplies(replies, String(last?.key));
}

function showQuickReplies(replies, of) {
  if ($('quick').dataset.of === of && $('quick').childElementCount === replies.length) return;
  $('quick').dataset.of = of;
  $('quick').hidden = replies.length === 0;
  $('quick').replaceChildren(
    ...replies.map((reply) => {
      const title = reply.title ?? { user_email: 'ada@example.com', user_phone_number: '+15550100' }[reply.content_type] ?? 'Reply';
      const icon = /^https?:/.test(reply.image_url ?? '') ? element('img', { src: reply.image_url, alt: '' }) : null;
      const button = element('button', { type: 'button' }, icon, title);
      button.onclick = async () => {
        await act('says', { text: title, payload: reply.payload ?? title });
        $('text').focus();
      };
      return button;
    }),
  );
  if (replies.length) thread.toEnd();
}

function panel(name) {
  for (const each of ['menu', 'image']) {
    const open = each === name && $(`${each}-panel`).hidden;
    $(`${each}-panel`).hidden = !open;
    $(each).setAttribute('aria-expanded', String(open));
    if (open) $(`${each}-panel`).querySelector('button, input')?.focus();
  }
  thread.toEnd();
}

function grow() {
  const text = $('text');
  text.style.height = 'auto';
  text.style.height = `${Math.min(text.scrollHeight + 2, 140)}px`;
}

async function send() {
  const text = $('text').value.trim();
  if (!text || !chosen) return;
  const who = document.querySelector('[name="who"]:checked').value;
  if ((await act(who, { text })) === undefined) return;
  $('text').value = '';
  grow();
  thread.toEnd();
}

// What the API says

async function refreshStatus() {
  if (!chosen || document.hidden) return;
  const asked = chosen;
  const answer = await api.status(asked).catch((error) => ({ status: 0, body: { message: error.message } }));
  if (asked === chosen) showStatus(answer);
}

function showStatus({ status, body }) {
  const paused = body?.status === 'paused';
  const kind = status === 200 ? (paused ? 'paused' : 'active') : status === 404 ? 'none' : 'wrong';
  const words = {
    active: 'The bot is answering',
    paused: 'The bot is paused',
    none: 'No conversation yet',
    wrong: 'The API cannot say',
  }[kind];
  const until = paused && body.paused.until ? `until ${new Date(body.paused.until).toLocaleTimeString()}` : null;
  const held = paused && body.held ? `${body.held} ${body.held === 1 ? 'message' : 'messages'} held` : null;
  const more = {
    paused: [body?.paused?.by?.name && `by ${body.paused.by.name}`, body?.paused?.reason, until, held].filter(Boolean).join(' · '),
    none: 'It begins with the first message.',
    wrong: body?.message ?? `Answer ${status}`,
  }[kind];
  const text = JSON.stringify([words, more]);
  $('status').className = `status ${kind}`;
  $('pause').hidden = paused;
  $('resume').hidden = !paused;
  $('pause').disabled = kind !== 'active';
  const place = $('status').querySelector('.status-words');
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(words, ...(more ? [element('small', { textContent: more })] : []));
}

async function command(verb) {
  const hadFocus = [$('pause'), $('resume')].includes(document.activeElement);
  const answer = await act(verb);
  if (answer && answer.status >= 400) await attempt(() => Promise.reject(new Error(answer.body?.message ?? `The API answered ${answer.status}.`)));
  await refreshStatus();
  if (hadFocus) ($('pause').hidden ? $('resume') : $('pause')).focus();
}

// Staying up to date

let refreshing = false;
let again = false;

async function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    const state = await api.state(chosen);
    customers = state.customers;
    if (!customers.some((customer) => customer.key === chosen) && customers.length) choose(customers[0].key);
    else if (state.thread?.key === chosen) showThread(state.thread);
    showPeople();
    $('troubles').replaceChildren(...state.troubles.map((label) => element('li', { textContent: label })));
    $('calm').hidden = state.troubles.length === 0;
  } catch {
    // The banner says that we are not connected; the next event brings us up to date.
  }
  refreshing = false;
  if (again) {
    again = false;
    refresh();
  }
}

function look() {
  if (chosen) api.act(chosen, 'opens', { open: $('looking').checked && !document.hidden }).catch(() => {});
}

function connected(isLive) {
  $('connection').textContent = isLive ? 'Live' : 'Not connected: is make run still running?';
  $('connection').className = `connection ${isLive ? 'live' : 'lost'}`;
}

// Once, at the start

function prepare() {
  const several = setup.pages.length > 1;
  document.querySelector('.page-choice').hidden = !several;
  $('page').replaceChildren(...setup.pages.map((page) => element('option', { value: page.key, textContent: `${page.platform} ${page.id}` })));
  $('menu-panel').replaceChildren(
    ...setup.menu.map((entry) => {
      const button = element('button', { type: 'button', textContent: entry.title });
      button.onclick = () => {
        panel(null);
        act('taps', { text: entry.title, payload: entry.payload });
        $('text').focus();
      };
      return button;
    }),
  );
  $('samples').replaceChildren(
    ...setup.samples.map((sample) => {
      const button = element('button', { type: 'button' }, element('img', { src: new URL(sample.url).pathname, alt: '' }), sample.label);
      button.onclick = () => {
        panel(null);
        act('shows', { text: sample.url });
        $('text').focus();
      };
      return button;
    }),
  );
  $('trouble-name').replaceChildren(...setup.troubles.map((each) => element('option', { value: each.name, textContent: each.label })));
  $('real-graph').hidden = !setup.real_graph;
  $('trouble').hidden = setup.real_graph;
}

$('add').onclick = async () => {
  const added = await attempt(() => api.addCustomer($('page').value));
  if (!added) return;
  choose(added.key);
  $('text').focus();
};
$('composer').onsubmit = (event) => {
  event.preventDefault();
  send();
};
$('composer').onchange = () => {
  const inbox = document.querySelector('[name="who"]:checked').value === 'inbox';
  $('composer').classList.toggle('as-inbox', inbox);
  $('text').placeholder = inbox ? 'Answer from the Page inbox' : 'Write a message';
  if (inbox) panel(null);
};
$('text').oninput = grow;
$('text').onkeydown = (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
};
$('menu').onclick = () => panel('menu');
$('image').onclick = () => panel('image');
$('image-form').onsubmit = (event) => {
  event.preventDefault();
  act('shows', { text: $('image-url').value });
  $('image-url').value = '';
  panel(null);
};
$('trouble').onsubmit = (event) => {
  event.preventDefault();
  attempt(() => api.orderTrouble($('trouble-name').value, $('trouble-times').valueAsNumber));
};
$('calm').onclick = () => attempt(() => api.orderTrouble('', 0));
$('pause').onclick = () => command('pause');
$('resume').onclick = () => command('unpause');
$('looking').onchange = look;
document.onkeydown = (event) => {
  if (event.key !== 'Escape' || ($('menu-panel').hidden && $('image-panel').hidden)) return;
  const from = $('menu-panel').hidden ? $('image') : $('menu');
  panel(null);
  from.focus();
};
document.onvisibilitychange = () => {
  look();
  refreshStatus();
};
window.onhashchange = () => {
  const key = decodeURIComponent(location.hash.slice(1));
  if (key && key !== chosen) choose(key);
};

setup = (await attempt(api.setup)) ?? setup;
prepare();
if (chosen) choose(chosen);
let pending = 0;
api.listen(() => {
  refresh();
  clearTimeout(pending);
  pending = setTimeout(refreshStatus, 300);
}, connected);
setInterval(refreshStatus, 3000);
