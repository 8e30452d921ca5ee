/**
 * Everything the views share: what is known, and what an operator can do. It knows the API and the feed only by their
 * interfaces, and holds no markup.
 */
import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import * as v from "valibot";
import type { Api } from "../api/client";
import type { Actor, Conversation, Message, Pages as PageList, Status } from "../api/types";
import { now, setBy } from "../clock";
import { customerOf } from "../list/customer";
import type { Change, Connection, Feed } from "../live/feed";
import { newlyWaiting } from "../live/notify";
import { here } from "../place";
import type { Person } from "../sign-in/session";
import { type Cell, cell } from "../state/cell";
import { EMPTY, expire, learn, page, type State, viewKey } from "../state/conversations";
import { draft } from "../state/drafts";
import { kept } from "../state/kept";
import * as outboxes from "../state/outbox";
import { type Outbox, OutboxShape } from "../state/outbox";
import { t } from "../words";
import { reason } from "./calls";
import { createHistories } from "./histories";
import { createSender, type Outcome } from "./sending";

export { reason } from "./calls";
export type { Pages } from "./histories";

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
  look(id: string): Promise<Conversation>;
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

const TOAST_FOR = 8000;
const FAULT_FOR = 12_000;
/** Longer than all attempts take. */
const LONGEST_SEND = 120_000;

export function createDesk(api: Api, feed: Feed, person: Person, queries: QueryClient): Desk {
  const conversations = cell(EMPTY);
  const loading = cell<ReadonlyMap<string, Loading>>(new Map());
  const connection = cell<Connection>({ is: "connecting", since: null });
  const outbox = kept<Outbox>(`hitl.outbox.${person.id}`, [], (value) => v.parse(OutboxShape, value));
  const toasts = cell<readonly Toast[]>([]);
  const switching = cell<ReadonlySet<string>>(new Set());
  const me: Actor = { type: "operator", ...person };
  let toastId = 0;
  const histories = createHistories(api, queries, outbox);
  const sender = createSender(api, histories, outbox, sent);

  const know = (...known: Conversation[]) => taken(known, (state) => learn(state, known));

  /** Where more than what was asked for has happened, a poll finds nothing newer any more: its history is read, too. */
  function taken(some: readonly Conversation[], change: (state: State) => State): void {
    const before = conversations.get().byId;
    conversations.update(change);
    for (const { id, last_activity_at } of some) {
      const isKnown = before.get(id)?.last_activity_at === last_activity_at;
      if (!isKnown && conversations.get().byId.get(id)?.last_activity_at === last_activity_at)
        void histories.freshen(id);
    }
  }

  function show(words: string, isFault: boolean, undo?: () => void): void {
    toastId += 1;
    const toast = { id: toastId, words, isFault, undo };
    // What can be undone is what was done last.
    const others = (all: readonly Toast[]) => (undo === undefined ? all : all.filter((one) => one.undo === undefined));
    toasts.update((all) => [...others(all).slice(-1), toast]);
    setTimeout(() => dismiss(toast.id), isFault ? FAULT_FOR : TOAST_FOR);
  }

  function dismiss(id: number): void {
    toasts.update((all) => (all.some((one) => one.id === id) ? all.filter((one) => one.id !== id) : all));
  }

  /** Names the customer to whoever has gone on to the next conversation. */
  function about(id: string, words: string): string {
    const one = conversations.get().byId.get(id);
    return here().conversation === id || one === undefined ? words : `${customerOf(one)}: ${words}`;
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
      if (!how.isUndo) show(about(id, t(done)), false, isMine ? undo : undefined);
      return true;
    } catch (error) {
      show(about(id, t(to === "pause" ? "fault.pause" : "fault.resume", { reason: reason(error) })), true);
      return false;
    } finally {
      switching.update((all) => new Set([...all].filter((one) => one !== id)));
    }
  }

  /** Meta's refusing a Page's token, and its taking it again, shows in what we send first. */
  function sent(id: string, { row, fault }: Outcome): void {
    if (row !== null) {
      const known = queries.getQueryData<PageList>(["pages"])?.pages ?? [];
      const isMended = row.state === "sent" && known.some((page) => page.disconnected !== null);
      if (isMended || row.failure?.code === "token_invalid") void queries.invalidateQueries({ queryKey: ["pages"] });
      void look(id).catch(() => {});
    }
    // Whoever has gone on to the next conversation does not see the row that says why.
    const one = conversations.get().byId.get(id);
    if (fault === null || here().conversation === id || one === undefined) return;
    show(t("fault.send", { customer: customerOf(one), reason: fault }), true);
  }

  async function look(id: string): Promise<Conversation> {
    const found = await api.conversation(id);
    know(found);
    return found;
  }

  function changed({ conversations: some, waiting, since, isCut }: Change): void {
    setBy(since);
    const before = conversations.get().byId;
    const newer = some.filter((one) => one.version > (before.get(one.id)?.version ?? -1));
    conversations.update((state) => learn(state, some, waiting));
    for (const one of newer) void histories.freshen(one.id);
    if (!isCut) return;
    conversations.update((state) => ({ ...state, views: new Map() }));
    reload();
  }

  function reload(): void {
    sender.resend(Date.now() - LONGEST_SEND);
    if (shown !== null) void loadPage(shown.status, shown.q);
    histories.freshenShown();
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
      sender.resend();
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
    freshen: histories.freshen,
    pause: (id) => turn(id, "pause"),
    resume: (id, deliverHeld = false) => turn(id, "resume", { deliverHeld }),
    send(id, text) {
      draft(id, "");
      return sender.send(id, text);
    },
    retry: sender.retry,
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

const Context = createContext<Desk | null>(null);
export const DeskProvider = Context.Provider;

export function useDesk(): Desk {
  const desk = useContext(Context);
  if (desk === null) throw new Error("There is no desk around this.");
  return desk;
}
