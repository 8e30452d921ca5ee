/** Pages of a history, newest page first and newest message first in each, as the API gives them. Pure. */
import type { InfiniteData } from "@tanstack/react-query";
import type { History, Message } from "../api/types";

/** Puts freshly read newest messages over what is known; null where a gap is left between the two. */
export function over(pages: readonly History[], fresh: readonly Message[]): History[] | null {
  const known = new Map<string, Message>();
  for (const page of pages) for (const message of page.messages) known.set(message.id, message);
  const oldest = fresh.at(-1);
  // Not any row that is known will do: our own was laid over a history whose newest may be missing.
  const isClosed =
    oldest === undefined
      ? known.size === 0
      : known.has(oldest.id) || [...known.values()].every((message) => isAfter(message, oldest));
  if (!isClosed) return null;
  const byId = new Map(fresh.map((message) => [message.id, message]));
  const added = fresh.filter((message) => !known.has(message.id));
  const kept = pages.map((page) => ({
    ...page,
    messages: page.messages.flatMap((message) => {
      const now = byId.get(message.id);
      if (now !== undefined) return isSame(message, now) ? message : now;
      // Rows are never deleted, but a merged one becomes an alias and leaves the log.
      return oldest !== undefined && isAfter(message, oldest) ? [] : message;
    }),
  }));
  const first = kept[0] ?? { messages: [], cursor: null };
  if (added.length === 0) return kept;
  const messages = [...first.messages, ...added].sort((one, other) => (isAfter(one, other) ? -1 : 1));
  return [{ ...first, messages }, ...kept.slice(1)];
}

/** An older page that was read, behind the newer ones as they are by now: more may have come while it was on its way. */
export function behind<Param>(now: InfiniteData<History, Param> | undefined, read: InfiniteData<History, Param>) {
  const known = now?.pages.length ?? 0;
  if (now === undefined || read.pages.length <= known) return read;
  return { ...read, pages: [...now.pages, ...read.pages.slice(known)] };
}

/** All of it, oldest first. */
export function flat(pages: readonly History[]): Message[] {
  const messages: Message[] = [];
  const seen = new Set<string>();
  for (const page of pages) {
    for (const message of page.messages) {
      if (!seen.has(message.id)) messages.push(message);
      seen.add(message.id);
    }
  }
  return messages.reverse();
}

/** The first that the user said after it was last looked at. */
export function firstUnread(messages: readonly Message[], seenAt: string | null): string | null {
  return messages.find((one) => one.author === "user" && (seenAt === null || one.sent_at > seenAt))?.id ?? null;
}

function isAfter(one: Message, other: Message): boolean {
  return `${one.sent_at}#${one.id}` > `${other.sent_at}#${other.id}`;
}

function isSame(one: Message, other: Message): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
