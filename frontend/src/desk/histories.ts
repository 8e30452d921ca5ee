/** The histories that are loaded, kept as new as what changes and what is sent. */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { Api } from "../api/client";
import type { History, Message } from "../api/types";
import type { Cell } from "../state/cell";
import { over } from "../state/history";
import type { Outbox } from "../state/outbox";
import * as outboxes from "../state/outbox";
import { repeated } from "./calls";

/** As react-query keeps a history: newest page first. */
export type Pages = InfiniteData<History, string | undefined>;

export interface Histories {
  /** Reads the newest of a history again, as far back as it takes to meet what is known. */
  freshen(id: string): Promise<void>;
  /** As `freshen`, of every history that is shown. */
  freshenShown(): void;
  /** Lays a row over what is known; it is in the outbox no more. */
  put(id: string, message: Message): void;
  /** The id of the newest row that is known. */
  newest(id: string): string | null;
}

/** A message is here a moment before it is delivered or held, and no change tells of that. */
export const SETTLED_AFTER = 5000;
/** So many pages are read to meet what is known; then all of it is read anew. */
const NEWEST_PAGES = 4;

export function createHistories(api: Api, queries: QueryClient, outbox: Cell<Outbox>): Histories {
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
    for (let pages = 0; pages < NEWEST_PAGES; pages += 1) {
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
        outbox.update((all) =>
          outboxes.settled(
            all,
            fresh.filter((one) => !outboxes.isBeingRetried(all, one)),
          ),
        );
        return;
      }
      cursor = answer.cursor;
    }
    await queries.resetQueries({ queryKey: historyKey(id) });
  }

  /** Reads once more what is neither delivered nor held yet. */
  function readAgain(id: string, messages: readonly Message[]): void {
    const come = messages.filter((message) => message.state === "received" && !readTwice.has(message.id));
    for (const message of come) readTwice.add(message.id);
    if (come.length > 0) setTimeout(() => void freshen(id), SETTLED_AFTER);
  }

  const settle = (message: Message) => outbox.update((all) => outboxes.settled(all, [message]));

  function put(id: string, message: Message): void {
    const first = firstRead(id);
    if (first !== undefined) {
      void first.then(
        () => put(id, message),
        () => settle(message),
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
    settle(message);
  }

  return {
    freshen,
    freshenShown() {
      for (const query of queries.getQueryCache().findAll({ queryKey: ["history"], type: "active" })) {
        void freshen(String(query.queryKey[1]));
      }
    },
    put,
    newest: (id) => queries.getQueryData<Pages>(historyKey(id))?.pages[0]?.messages[0]?.id ?? null,
  };
}
