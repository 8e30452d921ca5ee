/**
 * Every conversation that is known, once, and which of them each view of the list shows, in order. Pure.
 *
 * A view holds the head of a list that the server keeps: everything that sorts before its last id is in it, so a
 * conversation that changes is moved, taken in or taken out here, and nothing is asked for again.
 */
import type { Conversation, Listing, Status } from "../api/types";

export interface View {
  status: Status;
  q: string;
  ids: readonly string[];
  /** For the next page; null: `ids` is everything; undefined: nothing was asked yet. */
  cursor: string | null | undefined;
  /** With `q`: how far back was searched; null: through everything. */
  searchedTo: string | null;
}

export interface State {
  byId: ReadonlyMap<string, Conversation>;
  views: ReadonlyMap<string, View>;
  /** How many wait, as the server counted last, up to 1,000. */
  waiting: number;
}

export const EMPTY: State = { byId: new Map(), views: new Map(), waiting: 0 };

export function viewKey(status: Status, q: string): string {
  return `${status} ${q}`;
}

/** Takes in conversations that were answered alone or because they have changed; older versions change nothing. */
export function learn(state: State, conversations: readonly Conversation[], waiting = state.waiting): State {
  const newer = conversations.filter((one) => isNewer(one, state.byId.get(one.id)));
  if (newer.length === 0) return waiting === state.waiting ? state : { ...state, waiting };
  return { ...changed(state, newer), waiting };
}

/** These in place of what was known of them, and where they go in each view. */
function changed(state: State, conversations: readonly Conversation[]): Pick<State, "byId" | "views"> {
  const byId = new Map(state.byId);
  for (const one of conversations) byId.set(one.id, one);
  const views = new Map(state.views);
  for (const [key, view] of views) {
    const ids = conversations.reduce((ids, one) => place(view, ids, one, state.byId.get(one.id), byId), view.ids);
    if (ids !== view.ids) views.set(key, { ...view, ids });
  }
  return { byId, views };
}

/** Takes in a page of a list: `from` is the cursor it was asked with, none for the first page. */
export function page(state: State, status: Status, q: string, answer: Listing, from?: string): State {
  const learnt = learn(state, answer.sessions, answer.waiting);
  const key = viewKey(status, q);
  const old = learnt.views.get(key);
  const view: View = old ?? { status, q, ids: [], cursor: undefined, searchedTo: null };
  const ids = answer.sessions.map((one) => one.id);
  const searchedTo = answer.searched_to ?? null;
  const isFirst = from === undefined;
  if (!isFirst && from !== view.cursor) return learnt; // another page came meanwhile
  const tail = isFirst ? rest(view, ids, answer.cursor, learnt.byId) : null;
  const late = recent(view, ids, answer, learnt.byId);
  const head = isFirst ? late : [...view.ids, ...late.filter((id) => !view.ids.includes(id))];
  const joined = joinedUp(view, head, ids, tail ?? [], learnt.byId);
  const next: View =
    tail === null ? { ...view, ids: joined, cursor: answer.cursor, searchedTo } : { ...view, ids: joined };
  const views = new Map(learnt.views).set(key, next);
  return { ...learnt, views };
}

/** Pauses whose end has come are over, as the server shows them from then on. */
export function expire(state: State, now: number): State {
  const ended: Conversation[] = [];
  for (const one of state.byId.values()) {
    if (one.paused?.until && Date.parse(one.paused.until) <= now) {
      ended.push({ ...one, status: "active", paused: null, waiting_since: null });
    }
  }
  if (ended.length === 0) return state;
  const waited = ended.filter((one) => state.byId.get(one.id)?.waiting_since).length;
  return { ...changed(state, ended), waiting: Math.max(0, state.waiting - waited) };
}

/** Whether a conversation belongs in a view. A search is by part of a name or of the user's id, in any case. */
export function belongs({ status, q }: Pick<View, "status" | "q">, one: Conversation): boolean {
  const isOfStatus = status === "all" || (status === "waiting" ? one.waiting_since !== null : one.status === status);
  const wanted = q.trim().toLowerCase();
  return isOfStatus && (wanted === "" || `${one.name ?? ""}\n${one.user_id}`.toLowerCase().includes(wanted));
}

/** Below 0 where one comes before the other. Times compare as text: all have the same form. */
export function order(status: Status, one: Conversation, other: Conversation): number {
  if (status === "all" || status === "active") {
    return compare(other.last_activity_at, one.last_activity_at) || compare(other.id, one.id);
  }
  if ((one.waiting_since === null) !== (other.waiting_since === null)) return one.waiting_since === null ? 1 : -1;
  return compare(since(one), since(other)) || compare(one.id, other.id);
}

function since(one: Conversation): string {
  return one.waiting_since ?? one.paused?.since ?? "";
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function isNewer(one: Conversation, known: Conversation | undefined): boolean {
  if (known === undefined || one.version > known.version) return true;
  // A pause ends and a reply window closes without a write: of the same version what is later in that counts.
  const hasEnded = known.status === "paused" && one.status === "active";
  return one.version === known.version && (hasEnded || stage(one) > stage(known));
}

function stage({ window }: Conversation): number {
  return window === null ? -1 : STAGES.indexOf(window.type);
}

const STAGES: NonNullable<Conversation["window"]>["type"][] = ["response", "human_agent", "closed"];

function place(
  view: View,
  ids: readonly string[],
  one: Conversation,
  before: Conversation | undefined,
  byId: ReadonlyMap<string, Conversation>,
): readonly string[] {
  const wasIn = before !== undefined && belongs(view, before);
  const at = wasIn ? ids.indexOf(one.id) : -1;
  if (at >= 0 && belongs(view, one) && before !== undefined && order(view.status, before, one) === 0) return ids;
  const without = at >= 0 ? ids.toSpliced(at, 1) : ids;
  if (view.cursor === undefined || !belongs(view, one)) return without;
  const target = position(view.status, without, one, byId);
  const isBeyond = target === without.length && view.cursor !== null;
  return isBeyond ? without : without.toSpliced(target, 0, one.id);
}

/** Where it goes among ids that are in order, by halving. */
function position(
  status: Status,
  ids: readonly string[],
  one: Conversation,
  byId: ReadonlyMap<string, Conversation>,
): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = byId.get(ids[middle] as string);
    if (other !== undefined && order(status, other, one) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether ids that are in order have this one among them. */
function isIn(status: Status, ids: readonly string[], id: string, byId: ReadonlyMap<string, Conversation>): boolean {
  const one = byId.get(id);
  return one !== undefined && ids[position(status, ids, one, byId)] === id;
}

/** What stays of a view behind a first page that was asked again; null where the view begins anew. */
function rest(
  view: View,
  ids: readonly string[],
  cursor: string | null,
  byId: ReadonlyMap<string, Conversation>,
): readonly string[] | null {
  const last = byId.get(ids.at(-1) ?? "");
  if (view.cursor === undefined || cursor === null || last === undefined) return null;
  return view.ids.slice(position(view.status, view.ids, last, byId));
}

/** A page between what is before and behind it. What we know better than the page decides where it goes. */
function joinedUp(
  view: View,
  head: readonly string[],
  ids: readonly string[],
  tail: readonly string[],
  byId: ReadonlyMap<string, Conversation>,
): readonly string[] {
  const isBefore = new Set(tail.length === 0 ? [] : [...head, ...ids]);
  const all = [
    ...head,
    ...ids.filter((id) => !isIn(view.status, head, id, byId)),
    ...tail.filter((id) => !isBefore.has(id)),
  ];
  const sorted = (known: Conversation[]) => known.sort((one, other) => order(view.status, one, other));
  const of = (ids: readonly string[]) => ids.flatMap((id) => byId.get(id) ?? []).filter((one) => belongs(view, one));
  const isSettled = ids.every((id, at) => {
    const [one, next] = [byId.get(id), byId.get(ids[at + 1] ?? tail[0] ?? "")];
    const before = at === 0 ? byId.get(head.at(-1) ?? "") : undefined;
    if (one === undefined || !belongs(view, one)) return false;
    return (!next || order(view.status, one, next) < 0) && (!before || order(view.status, before, one) < 0);
  });
  return isSettled ? all : sorted(of(all)).map((one) => one.id);
}

/** What changed while the server was putting a page together, as far as that goes: the page may not know of it yet. */
function recent(
  view: View,
  ids: readonly string[],
  answer: Listing,
  byId: ReadonlyMap<string, Conversation>,
): string[] {
  const last = answer.cursor === null ? undefined : byId.get(ids.at(-1) ?? "");
  return [...byId.values()]
    .filter((one) => one.last_activity_at > answer.since && belongs(view, one) && !ids.includes(one.id))
    .filter((one) => last === undefined || order(view.status, one, last) < 0 || view.ids.includes(one.id))
    .sort((one, other) => order(view.status, one, other))
    .map((one) => one.id);
}
