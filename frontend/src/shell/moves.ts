/** Going from one conversation to another, in the order of the list. */
import type { Desk } from "../desk";
import { go, here } from "../place";
import { viewKey } from "../state/conversations";

/** Opens the one after (or before) the open one; the first where none is open. */
export function step(desk: Desk, by: 1 | -1): void {
  const { status, q, conversation } = here();
  const ids = desk.conversations.get().views.get(viewKey(status, q))?.ids ?? [];
  const at = conversation === null ? -1 : ids.indexOf(conversation);
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
  const { status, q, conversation } = here();
  const ids = desk.conversations.get().views.get(viewKey(status, q))?.ids ?? [];
  const at = conversation === null ? -1 : ids.indexOf(conversation);
  return ids[at + 1] ?? ids.find((id) => id !== conversation) ?? null;
}

/** Opens the next of the list that somebody has to look at. */
export function openUnread(desk: Desk): boolean {
  const { status, q, conversation } = here();
  const { views, byId } = desk.conversations.get();
  const ids = views.get(viewKey(status, q))?.ids ?? [];
  const at = conversation === null ? -1 : ids.indexOf(conversation);
  const next = [...ids.slice(at + 1), ...ids.slice(0, Math.max(0, at))].find((id) => byId.get(id)?.unread);
  if (next !== undefined) go({ conversation: next });
  return next !== undefined;
}
