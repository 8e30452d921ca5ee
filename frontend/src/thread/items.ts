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
