// The thread on the phone: each line is built once and replaced only when it changes, so that focus and scroll stay.

const GAP_MS = 5 * 60 * 1000;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** An element with properties and children; text is only ever text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export class Thread {
  /** `tap(title, payload)` and `again(line)` are called back. */
  constructor(scroller, list, { tap, again }) {
    this.scroller = scroller;
    this.list = list;
    this.tap = tap;
    this.again = again;
    this.shown = new Map();
    this.customer = null;
    this.atEnd = true;
    scroller.addEventListener('scroll', () => {
      this.atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    });
    // The end stays in sight when the phone shrinks, or when a picture turns out to be taller than nothing.
    this.sizes = new ResizeObserver(() => this.atEnd && this.toEnd());
    this.sizes.observe(scroller);
    this.sizes.observe(list);
  }

  show(thread) {
    const stay = this.atEnd || this.customer !== thread.key;
    if (this.customer !== thread.key) {
      this.list.replaceChildren();
      this.shown.clear();
      this.customer = thread.key;
    }
    const wanted = this.items(thread);
    for (const [key, { node }] of this.shown) {
      if (!wanted.some((item) => item.key === key)) {
        node.remove();
        this.shown.delete(key);
      }
    }
    wanted.forEach((item, index) => this.place(item, index));
    if (stay) this.toEnd();
  }

  toEnd() {
    this.atEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  place({ key, facts, build }, index) {
    const text = JSON.stringify(facts);
    const known = this.shown.get(key);
    const node = known?.text === text ? known.node : build();
    if (known && known.node !== node) known.node.replaceWith(node);
    if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] ?? null);
    this.shown.set(key, { text, node });
  }

  items(thread) {
    const items = [];
    const ours = thread.lines.filter((line) => line.side === 'customer');
    const seen = ours.findLast((line) => line.at <= thread.seen_at);
    let before = 0;
    for (const line of thread.lines) {
      if (line.at - before > GAP_MS) {
        const words = clock.format(line.at);
        items.push({ key: `gap-${line.key}`, facts: words, build: () => element('li', { className: 'line gap', textContent: words }) });
      }
      before = line.at;
      const below = belowOf(line, line === ours.at(-1), line === seen);
      items.push({ key: line.key, facts: [line, below], build: () => this.line(line, below) });
    }
    if (thread.typing) items.push({ key: 'typing', facts: 0, build: typing });
    return items;
  }

  line(line, below) {
    const made = element('li', { className: `line ${line.side}`, title: clock.format(line.at) });
    const who = { customer: 'You: ', page: 'The Page: ', inbox: '' }[line.side];
    if (line.side === 'inbox') made.append(element('span', { className: 'author', textContent: 'Page inbox' }));
    if (line.image) made.append(this.picture(line.image));
    if (line.text || !line.image) {
      const kind = line.note === 'tapped' ? 'tapped' : line.text ? '' : 'other';
      const bubble = element('div', { className: `bubble ${kind}`, dir: 'auto' });
      bubble.append(element('span', { className: 'hidden', textContent: kind === 'tapped' ? `${who}tapped ` : who }));
      bubble.append(line.text || line.note || '(nothing to show)');
      made.append(bubble);
    }
    if (line.buttons.length) made.append(element('div', { className: 'buttons' }, ...line.buttons.map((each) => this.button(each))));
    if (below) made.append(element('span', { className: 'below', textContent: below }));
    if (['failed', 'retrying'].includes(line.posting?.state)) made.append(this.troubleNote(line));
    return made;
  }

  picture(url) {
    if (!/^https?:/.test(url)) return element('div', { className: 'bubble other', textContent: url });
    return element('img', { className: 'picture', src: url, alt: 'Picture', referrerPolicy: 'no-referrer' });
  }

  button(button) {
    const title = button.title ?? button.type ?? 'Button';
    if (button.type === 'web_url' && /^https?:/.test(button.url)) {
      return element('a', { href: button.url, target: '_blank', rel: 'noopener noreferrer', textContent: title });
    }
    const made = element('button', { type: 'button', textContent: title, disabled: button.type !== 'postback' });
    made.onclick = () => this.tap(title, button.payload);
    return made;
  }

  troubleNote({ key, posting }) {
    const answer = posting.status === null ? 'no answer' : `the answer ${posting.status}`;
    if (posting.state === 'retrying') {
      return element('div', { className: 'trouble-note', textContent: `The webhook got ${answer} (try ${posting.tries}). Trying again …` });
    }
    const tries = posting.tries === 1 ? 'once' : `${posting.tries} times`;
    const words = element('span', { textContent: `Not delivered: the webhook was posted ${tries} and got ${answer}.` });
    const again = element('button', { type: 'button', textContent: 'Post it again' });
    again.onclick = () => this.again(key);
    return element('div', { className: 'trouble-note failed', role: 'alert' }, words, again);
  }
}

function belowOf(line, isLast, isSeen) {
  if (line.posting?.state === 'sending') return 'Sending …';
  if (isSeen) return 'Seen';
  return isLast && line.posting?.state === 'taken' ? 'Sent' : null;
}

function typing() {
  const dots = element('div', { className: 'bubble' }, element('i'), element('i'), element('i'));
  dots.append(element('span', { className: 'hidden', textContent: 'The Page is typing' }));
  return element('li', { className: 'line page typing' }, dots);
}
