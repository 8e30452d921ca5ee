/** What a thread shows, from top to bottom: days, the mark of what is unread, and the rows between. Pure. */
import type { Row } from "../message/relations";
import { isSameDay } from "../message/times";

export type Item =
  | { is: "day"; key: string; at: string }
  | { is: "unread"; key: "unread" }
  | { is: "row"; key: string; row: Row };

/** `unread` is the id of the first row that nobody has looked at. */
export function items(rows: readonly Row[], unread: string | null): Item[] {
  const shown: Item[] = [];
  let before: string | null = null;
  for (const row of rows) {
    const { id, sent_at } = row.message;
    if (before === null || !isSameDay(before, sent_at))
      shown.push({ is: "day", key: `day ${sent_at.slice(0, 13)} ${id}`, at: sent_at });
    if (id === unread) shown.push({ is: "unread", key: "unread" });
    shown.push({ is: "row", key: id, row });
    before = sent_at;
  }
  return shown;
}

/**
 * About how far down a thread opens, in pixels: at the item of this key, or else at the end of it, of which a window of
 * this height shows the last.
 */
export function opening(shown: readonly Item[], key: string, height: number): number {
  const at = shown.findIndex((item) => item.key === key);
  const above = at < 0 ? shown : shown.slice(0, at);
  return above.reduce((sum, item) => sum + estimate(item), at < 0 ? -height : 0);
}

/** About how tall an item is, in pixels, until it is measured. */
export function estimate(item: Item | undefined): number {
  if (item?.is !== "row") return 40;
  const { text, attachments } = item.row.message;
  return 56 + Math.ceil((text?.length ?? 0) / 60) * 20 + attachments.length * 200;
}
