/**
 * Everything the views share: what is known, and what an operator can do. It knows the API and the feed only by their
 * interfaces, and holds no markup.
 */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import * as v from "valibot";
import { type Api, ApiError } from "./api/client";
import type { Actor, Conversation, History, Message, Pages as PageList, Status } from "./api/types";
import { now, setBy } from "./clock";
import { customerOf } from "./list/customer";
import type { Change, Connection, Feed } from "./live/feed";
import { newlyWaiting } from "./live/notify";
import { here } from "./place";
import type { Person } from "./sign-in/session";
import { type Cell, cell } from "./state/cell";
import { EMPTY, expire, learn, page, type State, viewKey } from "./state/conversations";
import { draft } from "./state/drafts";
import { over } from "./state/history";
import { kept } from "./state/kept";
import * as outboxes from "./state/outbox";
import { type Outbox, OutboxShape, type Sending } from "./state/outbox";
import { t } from "./words";

export interface Toast {
  id: number;
  words: string;
  isFault: boolean;
  undo: (() => void) | undefined;
}

/** Of a view that is being loaded, or could not be. */
export interface Loading {
  isLoading: boolean;
  fault: string | null;
}

export type Pages = InfiniteData<History, string | undefined>;

export interface Desk {
  api: Api;
  me: Actor;
  queries: QueryClient;
  conversations: Cell<State>;
  loading: Cell<ReadonlyMap<string, Loading>>;
  connection: Cell<Connection>;
  outbox: Cell<Outbox>;
  toasts: Cell<readonly Toast[]>;
  /** Conversations for which a pause or a resume is under way. */
  switching: Cell<ReadonlySet<string>>;
  /** Starts telling; returns what ends it. `called` gets those who have begun to wait, in one tab only. */
  start(called: (conversations: readonly Conversation[]) => void): () => void;
  load(status: Status, q: string): Promise<void>;
  loadMore(status: Status, q: string): Promise<void>;
  look(id: string): Promise<void>;
  /** Reads the newest of a history again, as far back as it takes to meet what is known. */
  freshen(id: string): Promise<void>;
  pause(id: string): Promise<boolean>;
  /** `deliverHeld`: the bot answers what the pause has kept from it. */
  resume(id: string, deliverHeld?: boolean): Promise<boolean>;
  send(id: string, text: string): Promise<boolean>;
  retry(id: string, message: Message): Promise<boolean>;
  discard(clientId: string): void;
  seen(id: string): Promise<void>;
  hurry(): void;
  say(words: string, undo?: () => void): void;
  dismiss(toast: number): void;
}

const ATTEMPTS = 3;
const SETTLED_AFTER = 5000;
/** Longer than all attempts take. */
const LONGEST_SEND = 120_000;

export function createDesk(api: Api, feed: Feed, person: Person, queries: QueryClient): Desk {
  const conversations = cell(EMPTY);
  const loading = cell<ReadonlyMap<string, Loading>>(new Map());
  const connection = cell<Connection>({ is: "connecting", since: null });
  const outbox = kept<Outbox>("hitl.outbox", [], (value) => v.parse(OutboxShape, value));
  const toasts = cell<readonly Toast[]>([]);
  const switching = cell<ReadonlySet<string>>(new Set());
  const me: Actor = { type: "operator", ...person };
  let toastId = 0;

  const know = (...known: Conversation[]) => taken(known, (state) => learn(state, known));

  /** Where more than what was asked for has happened, a poll finds nothing newer any more: its history is read, too. */
  function taken(some: readonly Conversation[], change: (state: State) => State): void {
    const before = conversations.get().byId;
    conversations.update(change);
    for (const { id, last_activity_at } of some) {
      const isKnown = before.get(id)?.last_activity_at === last_activity_at;
      if (!isKnown && conversations.get().byId.get(id)?.last_activity_at === last_activity_at) void freshen(id);
    }
  }

  function show(words: string, isFault: boolean, undo?: () => void): void {
    toastId += 1;
    const toast = { id: toastId, words, isFault, undo };
    // What can be undone is what was done last.
    const others = (all: readonly Toast[]) => (undo === undefined ? all : all.filter((one) => one.undo === undefined));
    toasts.update((all) => [...others(all).slice(-1), toast]);
    setTimeout(() => dismiss(toast.id), isFault ? 12_000 : 8000);
  }

  function dismiss(id: number): void {
    toasts.update((all) => (all.some((one) => one.id === id) ? all.filter((one) => one.id !== id) : all));
  }

  const wanted = new Set<string>();

  async function loadPage(status: Status, q: string, cursor?: string): Promise<void> {
    const key = viewKey(status, q);
    const set = (state: Loading) => loading.update((all) => new Map(all).set(key, state));
    if (loading.get().get(key)?.isLoading) {
      if (cursor === undefined) wanted.add(key);
      return;
    }
    wanted.delete(key);
    set({ isLoading: true, fault: null });
    try {
      const query = { status, limit: 100, ...(q ? { q } : {}), ...(cursor ? { cursor } : {}) };
      const answer = await api.list(query);
      setBy(answer.since);
      taken(answer.sessions, (state) => page(state, status, q, answer, cursor));
      set({ isLoading: false, fault: null });
    } catch (error) {
      set({ isLoading: false, fault: reason(error) });
    }
    // What came while the head of the list was read needs no second reading of it.
    if (cursor !== undefined && wanted.has(key)) await loadPage(status, q);
  }

  const historyKey = (id: string) => ["history", id];
  const freshening = new Map<string, "once" | "again">();
  const readTwice = new Set<string>();

  /** While nothing of a history is there yet: what ends when the first of it has come. */
  function firstRead(id: string): Promise<unknown> | undefined {
    const query = queries.getQueryCache().find({ queryKey: historyKey(id) });
    return query?.state.data === undefined && query?.state.fetchStatus !== "idle" ? query?.promise : undefined;
  }

  async function freshen(id: string): Promise<void> {
    if (freshening.has(id)) {
      freshening.set(id, "again");
      return;
    }
    const first = firstRead(id);
    if (first === undefined && queries.getQueryData<Pages>(historyKey(id)) === undefined) return;
    freshening.set(id, "once");
    try {
      if (first !== undefined) await first;
      await readNewest(id);
    } catch {
      // The next change or the connection coming back tries again.
    }
    const again = freshening.get(id) === "again";
    freshening.delete(id);
    if (again) await freshen(id);
  }

  async function readNewest(id: string): Promise<void> {
    const fresh: Message[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 4; pages += 1) {
      const answer = await repeated(() => api.history(id, cursor));
      fresh.push(...answer.messages);
      let isMet = false;
      queries.setQueryData<Pages>(historyKey(id), (data) => {
        const next = data && over(data.pages, fresh);
        isMet = next !== null && next !== undefined;
        return data && next ? { ...data, pages: next } : data;
      });
      if (isMet || answer.cursor === null) {
        readAgain(id, fresh);
        settle(fresh.filter((message) => !isBeingRetried(message)));
        return;
      }
      cursor = answer.cursor;
    }
    await queries.resetQueries({ queryKey: historyKey(id) });
  }

  /** A message is here a moment before it is delivered or held, and no change tells of that: it is read once more. */
  function readAgain(id: string, messages: readonly Message[]): void {
    const come = messages.filter((message) => message.state === "received" && !readTwice.has(message.id));
    for (const message of come) readTwice.add(message.id);
    if (come.length > 0) setTimeout(() => void freshen(id), SETTLED_AFTER);
  }

  /** What is in the history needs no place in the outbox. */
  function settle(messages: readonly Message[]): void {
    const rows = new Set(messages.map((message) => message.id));
    outbox.update((all) => {
      const left = all.filter((one) => !rows.has(outboxes.rowId(one.client_id)));
      return left.length === all.length ? all : left;
    });
  }

  /** Its row says that it failed until Meta has answered anew. */
  function isBeingRetried({ id, state }: Message): boolean {
    const sending = outbox.get().find((one) => outboxes.rowId(one.client_id) === id);
    const isOld = state === "failed" || state === "refused" || state === "unconfirmed";
    return isOld && sending?.retry === true && sending.fault === null;
  }

  function put(id: string, message: Message): void {
    const first = firstRead(id);
    if (first !== undefined) {
      void first.then(
        () => put(id, message),
        () => settle([message]),
      );
      return;
    }
    // What is being read was perhaps read before this.
    if (freshening.has(id)) freshening.set(id, "again");
    queries.setQueryData<Pages>(historyKey(id), (data) => {
      if (data === undefined) return data;
      const newest = data.pages[0]?.messages.filter((one) => one.id !== message.id) ?? [];
      const pages = over(data.pages, [message, ...newest]);
      return pages === null ? data : { ...data, pages };
    });
    settle([message]);
  }

  async function turn(id: string, to: "pause" | "resume", how: { isUndo?: boolean; deliverHeld?: boolean } = {}) {
    if (switching.get().has(id)) return false;
    switching.update((all) => new Set(all).add(id));
    try {
      const turned = await (to === "pause" ? api.pause(id) : api.resume(id, how.deliverHeld));
      know(turned);
      const back = to === "pause" ? "resume" : "pause";
      const done = to === "pause" ? "done.paused" : how.deliverHeld ? "done.delivered" : "done.resumed";
      const undo = () => {
        if (conversations.get().byId.get(id)?.epoch === turned.epoch) void turn(id, back, { isUndo: true });
        else show(t("undo.late"), true);
      };
      // A colleague's pause, which was there before, is not this operator's to undo.
      const isMine = turned.paused === null || turned.paused.by.id === me.id;
      if (!how.isUndo) show(t(done), false, isMine ? undo : undefined);
      return true;
    } catch (error) {
      show(t(to === "pause" ? "fault.pause" : "fault.resume", { reason: reason(error) }), true);
      return false;
    } finally {
      switching.update((all) => new Set([...all].filter((one) => one !== id)));
    }
  }

  const sends = new Map<string, Promise<boolean>>();

  /** The user reads what is sent in the order in which it was written: one after the other in a conversation. */
  function inTurn(id: string, send: () => Promise<boolean>): Promise<boolean> {
    const before = sends.get(id);
    const turn = before === undefined ? send() : before.then(send, send);
    sends.set(id, turn);
    void turn.finally(() => sends.get(id) === turn && sends.delete(id));
    return turn;
  }

  /** Sends, which pauses a bot that is active; a repeat does nothing twice: it asks what became of it. */
  async function deliver(sending: Sending): Promise<boolean> {
    const { conversation: id, client_id, text, seen } = sending;
    let retry = sending.retry;
    try {
      const message = await repeated(() => {
        const sent = api.send(id, { client_id, text, retry, ...(seen && { seen_id: seen }) });
        retry = false;
        return sent;
      });
      put(id, message);
      lookAtPages(message);
      void look(id).catch(() => {});
      if (message.failure !== null) tellElsewhere(id, message.failure.message);
      return message.failure === null;
    } catch (error) {
      refused(id, client_id, error);
      tellElsewhere(id, reason(error));
      return false;
    }
  }

  /** Whoever has gone on to the next conversation does not see the row that says why. */
  function tellElsewhere(id: string, why: string): void {
    const one = conversations.get().byId.get(id);
    if (here().conversation === id || one === undefined) return;
    show(t("fault.send", { customer: customerOf(one), reason: why }), true);
  }

  function refused(id: string, clientId: string, error: unknown): void {
    if (!(error instanceof ApiError && error.refused)) {
      outbox.update((all) => outboxes.failed(all, clientId, reason(error)));
      return;
    }
    if (error.said) put(id, error.said);
    put(id, error.refused);
    void freshen(id);
    void look(id).catch(() => {});
  }

  /** Meta's refusing a Page's token, and its taking it again, shows in what we send first. */
  function lookAtPages({ failure, state }: Message): void {
    const known = queries.getQueryData<PageList>(["pages"])?.pages ?? [];
    const isMended = state === "sent" && known.some((page) => page.disconnected !== null);
    if (isMended || failure?.code === "token_invalid") void queries.invalidateQueries({ queryKey: ["pages"] });
  }

  function newestOf(id: string): string | null {
    return queries.getQueryData<Pages>(historyKey(id))?.pages[0]?.messages[0]?.id ?? null;
  }

  async function look(id: string): Promise<void> {
    know(await api.conversation(id));
  }

  function changed({ conversations: some, waiting, since, isCut }: Change): void {
    setBy(since);
    const before = conversations.get().byId;
    const newer = some.filter((one) => one.version > (before.get(one.id)?.version ?? -1));
    conversations.update((state) => learn(state, some, waiting));
    for (const one of newer) void freshen(one.id);
    if (!isCut) return;
    conversations.update((state) => ({ ...state, views: new Map() }));
    reload();
  }

  /** What was written before this time and is still being sent, as a tab that is gone has left it. */
  function resend(before: number): void {
    for (const one of outbox.get()) {
      if (one.fault !== null || Date.parse(one.at) >= before) continue;
      const isLeft = () => outbox.get().some((now) => now.client_id === one.client_id && now.fault === null);
      void inTurn(one.conversation, async () => isLeft() && deliver({ ...one, retry: false }));
    }
  }

  function reload(): void {
    resend(Date.now() - LONGEST_SEND);
    if (shown !== null) void loadPage(shown.status, shown.q);
    for (const query of queries.getQueryCache().findAll({ queryKey: ["history"], type: "active" })) {
      void freshen(String(query.queryKey[1]));
    }
    void queries.invalidateQueries({ queryKey: ["stop"] });
    void queries.invalidateQueries({ queryKey: ["pages"] });
  }

  let shown: { status: Status; q: string } | null = null;

  return {
    api,
    me,
    queries,
    conversations,
    loading,
    connection,
    outbox,
    toasts,
    switching,
    start(called) {
      resend(Number.POSITIVE_INFINITY);
      const leave = now.subscribe(() => conversations.update((state) => expire(state, now.get())));
      const end = feed.start({
        changed,
        reload,
        connection: (state) => connection.update(() => state),
        first: (change) => called(newlyWaiting(conversations.get().byId, change.conversations, me.id)),
      });
      return () => {
        leave();
        end();
      };
    },
    load(status, q) {
      shown = { status, q };
      return loadPage(status, q);
    },
    async loadMore(status, q) {
      const cursor = conversations.get().views.get(viewKey(status, q))?.cursor;
      if (cursor) await loadPage(status, q, cursor);
    },
    look,
    freshen,
    pause: (id) => turn(id, "pause"),
    resume: (id, deliverHeld = false) => turn(id, "resume", { deliverHeld }),
    async send(id, text) {
      draft(id, "");
      const sendings = outboxes.split(text).map((part, place) => ({
        client_id: crypto.randomUUID(),
        conversation: id,
        text: part,
        at: new Date(Date.now() + place).toISOString(),
        seen: newestOf(id),
        fault: null,
        retry: false,
      }));
      outbox.update((all) => sendings.reduce(outboxes.add, all));
      return inTurn(id, async () => {
        let isSent = true;
        for (const sending of sendings) {
          if (isSent) isSent = await deliver(sending);
          else outbox.update((all) => outboxes.failed(all, sending.client_id, t("fault.part")));
        }
        return isSent;
      });
    },
    async retry(id, message) {
      const client_id = outboxes.clientIdOf(message);
      if (client_id === null || message.text === null) return false;
      const mine = outbox.get().find((one) => one.client_id === client_id);
      const at = mine?.at ?? message.sent_at;
      const sending: Sending = {
        client_id,
        conversation: id,
        text: message.text,
        at,
        seen: newestOf(id),
        fault: null,
        retry: mine?.retry ?? true,
      };
      outbox.update((all) => outboxes.add(all, sending));
      return inTurn(id, () => deliver(sending));
    },
    discard(clientId) {
      outbox.update((all) => outboxes.without(all, clientId));
    },
    async seen(id) {
      const known = conversations.get().byId.get(id);
      if (!known?.unread) return;
      know(await api.seen(id, known.last_activity_at));
    },
    hurry: feed.hurry,
    say: (words, undo) => show(words, false, undo),
    dismiss,
  };
}

/** Tries again what may succeed a moment later. */
async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError && error.passes) || attempt === ATTEMPTS || !navigator.onLine) throw error;
      await new Promise((resolve) => setTimeout(resolve, 700 * attempt));
    }
  }
}

/** What went wrong, for the operator. */
export function reason(error: unknown): string {
  return error instanceof ApiError ? error.message : t("fault.unknown");
}

const Context = createContext<Desk | null>(null);
export const DeskProvider = Context.Provider;

export function useDesk(): Desk {
  const desk = useContext(Context);
  if (desk === null) throw new Error("There is no desk around this.");
  return desk;
}
