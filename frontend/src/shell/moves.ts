/** Going from one conversation to another, in the order of the list. */
import type { Conversation } from "../api/types";
import type { Desk } from "../desk";
import { go, here } from "../place";
import { viewKey } from "../state/conversations";

/** The open conversation, where it is known. */
export function current(desk: Desk): Conversation | undefined {
  return desk.conversations.get().byId.get(here().conversation ?? "");
}

/** The ids of the list, and which of them is open; -1 where none of them is. */
function listed(desk: Desk): { ids: readonly string[]; at: number } {
  const { status, q, conversation } = here();
  const ids = desk.conversations.get().views.get(viewKey(status, q))?.ids ?? [];
  return { ids, at: conversation === null ? -1 : ids.indexOf(conversation) };
}

/** Opens the one after (or before) the open one; the first where none is open. */
export function step(desk: Desk, by: 1 | -1): void {
  const { ids, at } = listed(desk);
  const next = ids[at < 0 ? 0 : at + by];
  if (next !== undefined) go({ conversation: next });
}

/** Opens what comes after the open conversation, or goes back to the list where nothing does; the focus goes along. */
export function openNext(desk: Desk): void {
  go({ conversation: neighbour(desk) });
  setTimeout(() => {
    if (document.activeElement === document.body) document.getElementById("who")?.focus();
  });
}

/** What comes after the open conversation in the list, or at its head; null where there is nothing else. */
export function neighbour(desk: Desk): string | null {
  const { ids, at } = listed(desk);
  return ids[at + 1] ?? ids.find((_, other) => other !== at) ?? null;
}

/** Opens the next of the list that somebody has to look at. */
export function openUnread(desk: Desk): boolean {
  const { ids, at } = listed(desk);
  const { byId } = desk.conversations.get();
  const next = [...ids.slice(at + 1), ...ids.slice(0, Math.max(0, at))].find((id) => byId.get(id)?.unread);
  if (next !== undefined) go({ conversation: next });
  return next !== undefined;
}
