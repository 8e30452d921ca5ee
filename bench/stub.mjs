/** An API with 100,000 conversations of up to 10,000 messages each, made on demand, and the built dashboard beside it. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

export const CONVERSATIONS = 100_000;
export const MESSAGES = 10_000;
const NOW = Date.now();
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const NAMES = ["Ana Ito", "Ben Okoro", "Chloé Martin", "Dmitri Ivanov", "Emre Kaya", "Fatima Zahra", "Grace Kim"];
const WORDS = "my parcel has not come yet and the number that you sent leads nowhere could somebody look".split(" ");
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: https:; media-src 'self'; manifest-src 'self'";

const time = (at) => new Date(at).toISOString();
const sentence = (seed, length) => Array.from({ length }, (_, at) => WORDS[(seed * 7 + at * 3) % WORDS.length]).join(" ");
const user = (index) => ({ type: "user", id: String(2_000_000 + index), name: "" });
const BOT = { type: "bot", id: "bot", name: "Bot" };
const OPERATORS = [
  { type: "operator", id: "ana", name: "Ana" },
  { type: "operator", id: "ben", name: "Ben" },
];

/** What was changed while the stub ran: conversations by index. */
const changed = new Map();
const sent = new Map();
let version = 1;

function conversation(index) {
  const known = changed.get(index);
  if (known) return known;
  const at = NOW - index * 7000;
  const isPaused = index % 100 === 3;
  const isWaiting = index % 200 === 3;
  return {
    id: `messenger:100:${2_000_000 + index}`,
    platform: "messenger",
    page_id: "100",
    user_id: String(2_000_000 + index),
    name: `${NAMES[index % NAMES.length]} ${index}`,
    picture_url: null,
    status: isPaused ? "paused" : "active",
    epoch: isPaused ? 1 : 0,
    version: 1,
    paused: isPaused ? { since: time(at - 600_000), until: null, by: BOT, reason: "asked for a person" } : null,
    waiting_since: isWaiting ? time(at - 300_000) : null,
    last_message: { id: `m:${index}`, author: "user", by: user(index), text: sentence(index, 8), sent_at: time(at) },
    last_activity_at: time(at),
    last_user_message_at: time(at),
    window: { type: "response", until: time(at + 86_400_000) },
    last_operator: null,
    unread: index % 5 === 0,
    seen_at: time(at - 3_600_000),
    delivered_at: time(at),
    read_at: time(at),
  };
}

const INDEXES = Array.from({ length: CONVERSATIONS }, (_, index) => index);
const VIEWS = {
  all: INDEXES,
  active: INDEXES.filter((index) => index % 100 !== 3),
  paused: INDEXES.filter((index) => index % 100 === 3).reverse(),
  waiting: INDEXES.filter((index) => index % 200 === 3).reverse(),
};

function list(query) {
  const limit = Number(query.get("limit") ?? 50);
  const since = query.get("since");
  const listing = { since: time(Date.now()), waiting: VIEWS.waiting.length };
  if (since) {
    touch();
    const news = [...changed.values()].filter((one) => one.last_activity_at >= since).reverse();
    return { sessions: news.slice(0, limit), cursor: null, ...listing };
  }
  const wanted = query.get("q")?.toLowerCase();
  const view = VIEWS[query.get("status") ?? "all"];
  const found = wanted ? view.filter((index) => `${conversation(index).name}`.toLowerCase().includes(wanted)) : view;
  const from = Number(query.get("cursor") ?? 0);
  const sessions = found.slice(from, from + limit).map(conversation);
  const cursor = from + limit < found.length ? String(from + limit) : null;
  return { sessions, cursor, ...listing, ...(wanted ? { searched_to: null } : {}) };
}

/** Three customers write before each poll. */
function touch() {
  for (let count = 0; count < 3; count++) {
    version += 1;
    const index = (version * 37) % 400;
    change(index, { last_activity_at: time(Date.now()), unread: true });
  }
}

function change(index, own) {
  version += 1;
  const next = { ...conversation(index), ...own, version };
  changed.delete(index);
  changed.set(index, next);
  return next;
}

function message(index, number) {
  const at = time(NOW - index * 7000 - number * 45_000);
  const base = { by: user(index), attachments: [], sent_at: at, standby: false, cut: false, failure: null };
  const row = (own) => ({ id: `m:${index}-${number}`, mid: `${index}-${number}`, ...base, ...own });
  if (number % 97 === 60) {
    const kind = number % 2 ? "paused" : "resumed";
    return row({ id: `t:${number}`, mid: null, author: "system", by: OPERATORS[0], kind, text: "asked", state: null, epoch: 1 });
  }
  if (number % 41 === 20) {
    const attachments = [{ type: "image", payload: { url: `${origin}/picture.svg?${number}` } }];
    return row({ author: "user", kind: "attachment", text: null, attachments, state: "delivered" });
  }
  if (number % 29 === 7) {
    const elements = [{ title: "Track it", subtitle: sentence(number, 6), buttons: [{ type: "postback", title: "Track" }] }];
    const attachments = [{ type: "template", payload: { template_type: "generic", elements } }];
    return row({ author: "bot", by: BOT, kind: "attachment", text: null, attachments, state: "sent" });
  }
  const author = ["user", "bot", "user", "operator"][number % 4];
  const by = { user: user(index), bot: BOT, operator: OPERATORS[number % 2] }[author];
  const text = sentence(number, 4 + (number % 30));
  return row({ author, by, kind: "text", text, state: author === "user" ? "delivered" : "sent" });
}

function history(index, query) {
  const limit = Number(query.get("limit") ?? 50);
  const from = Number(query.get("cursor") ?? 0);
  const count = Math.max(0, Math.min(limit, MESSAGES - from));
  const own = from === 0 ? [...(sent.get(index) ?? [])].reverse() : [];
  const messages = [...own, ...Array.from({ length: count }, (_, at) => message(index, from + at))];
  return { messages, cursor: from + count < MESSAGES ? String(from + count) : null };
}

function send(index, body) {
  const at = time(Date.now());
  const rows = sent.get(index) ?? [];
  const id = `s:${body.client_id}`;
  const row = {
    ...{ id, mid: `sent-${body.client_id}`, author: "operator", by: OPERATORS[0], kind: "text", text: body.text },
    ...{ attachments: [], sent_at: at, state: "sent", standby: false, cut: false, failure: null },
  };
  if (!rows.some((known) => known.id === id)) sent.set(index, [...rows, row]);
  change(index, { last_activity_at: at, waiting_since: null, last_message: { ...row } });
  return row;
}

function api(method, path, query, body) {
  const [, session, verb] = /^\/api\/botpress-hitl\/sessions\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
  if (path === "/api/botpress-hitl/sessions") return list(query);
  if (path === "/api/botpress-hitl/bot") return { paused: false, reason: null, by: null, since: null };
  if (path === "/api/botpress-hitl/pages") return { pages: [{ platform: "messenger", id: "100", disconnected: null }] };
  if (path === "/api/health") return { status: "ok", version: "bench" };
  if (session === undefined) return undefined;
  const index = Number(decodeURIComponent(session).split(":")[2]) - 2_000_000;
  if (!(index >= 0 && index < CONVERSATIONS)) return undefined;
  if (verb === undefined) return { ...conversation(index), held: 0 };
  if (verb === "messages") return method === "GET" ? history(index, query) : send(index, body);
  if (verb === "seen") return change(index, { unread: false, seen_at: time(Date.now()) });
  const by = OPERATORS[0];
  const paused = verb === "pause" ? { since: time(Date.now()), until: null, by, reason: null } : null;
  return change(index, { status: paused ? "paused" : "active", paused, waiting_since: paused ? paused.since : null });
}

/** A provider that asks nobody: whoever comes is Ana. */
function provider(path, query, form) {
  if (path.endsWith("openid-configuration")) {
    const at = `${origin}/oidc`;
    return {
      issuer: at,
      authorization_endpoint: `${at}/authorize`,
      token_endpoint: `${at}/token`,
      jwks_uri: `${at}/jwks`,
      userinfo_endpoint: `${at}/userinfo`,
      end_session_endpoint: `${at}/end_session`,
    };
  }
  const seconds = Math.floor(Date.now() / 1000);
  const claims = { iss: `${origin}/oidc`, aud: "dashboard", sub: "ana", name: "Ana", iat: seconds, exp: seconds + 36_000 };
  if (path.endsWith("/userinfo")) return { sub: "ana", name: "Ana" };
  if (!path.endsWith("/token")) return {};
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const nonce = nonces.get(form.get("code") ?? "");
  const token = `${encode({ alg: "none" })}.${encode({ ...claims, ...(nonce ? { nonce } : {}) })}.x`;
  return { access_token: token, id_token: token, refresh_token: "again", token_type: "Bearer", expires_in: 36_000, scope: "openid" };
}

const nonces = new Map();
let origin = "";

async function answer(request, response, built) {
  const { pathname, searchParams } = new URL(request.url, origin);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const json = (value) => {
    response.writeHead(value === undefined ? 404 : 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    response.end(JSON.stringify(value ?? { code: "not_found", message: "There is nothing here." }));
  };
  if (pathname === "/config.json") {
    return json({ api: "/api", issuer: `${origin}/oidc`, client_id: "dashboard", scope: "openid", token: "access_token" });
  }
  if (pathname.startsWith("/api/")) return json(api(request.method, pathname, searchParams, body ? JSON.parse(body) : {}));
  if (pathname === "/oidc/authorize") {
    const code = String(nonces.size + 1);
    nonces.set(code, searchParams.get("nonce"));
    const back = new URL(searchParams.get("redirect_uri"));
    back.search = new URLSearchParams({ code, state: searchParams.get("state") ?? "" }).toString();
    response.writeHead(303, { Location: back.href });
    return response.end();
  }
  if (pathname.startsWith("/oidc/")) return json(provider(pathname, searchParams, new URLSearchParams(body)));
  if (pathname === "/picture.svg") {
    response.writeHead(200, { "Content-Type": TYPES[".svg"], "Cache-Control": "max-age=3600" });
    return response.end('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3" fill="teal"/></svg>');
  }
  const name = normalize(pathname === "/" ? "index.html" : pathname.slice(1));
  try {
    const content = name.startsWith("..") ? undefined : await readFile(join(built, name));
    response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream", "Content-Security-Policy": POLICY });
    response.end(content);
  } catch {
    json(undefined);
  }
}

/** Serves on any free port of this machine; answers the origin and how to end it. */
export async function serve(built) {
  const server = createServer((request, response) => {
    answer(request, response, built).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://localhost:${server.address().port}`;
  return {
    origin,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
