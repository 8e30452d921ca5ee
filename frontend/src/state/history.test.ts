import { describe, expect, it } from "vitest";
import type { History } from "../api/types";
import { message } from "../test/samples";
import { firstUnread, flat, over } from "./history";

const said = (second: number, own = {}) =>
  message({ id: `m:${second}`, sent_at: `2026-01-31T12:00:${String(second).padStart(2, "0")}.000Z`, ...own });
const pages: History[] = [
  { messages: [said(40), said(30)], cursor: "older" },
  { messages: [said(20), said(10)], cursor: null },
];
const ids = (pages: readonly History[] | null) => pages && flat(pages).map((one) => one.id);

describe("a history", () => {
  it("is read oldest first", () => {
    expect(ids(pages)).toEqual(["m:10", "m:20", "m:30", "m:40"]);
  });

  it("takes in what came, in its place, and what became of a row", () => {
    const next = over(pages, [said(50), said(40, { state: "read" }), said(35), said(30)]);
    expect(ids(next)).toEqual(["m:10", "m:20", "m:30", "m:35", "m:40", "m:50"]);
    expect(next?.[0]?.messages[1]?.state).toBe("read");
    expect(next?.[1]?.messages[0]).toBe(pages[1]?.messages[0]);
  });

  it("keeps the object of a row that is as it was", () => {
    const next = over(pages, [said(50), said(40), said(30)]);
    expect(next?.[0]?.messages[1]).toBe(pages[0]?.messages[0]);
  });

  it("drops a row that was merged into another", () => {
    expect(ids(over(pages, [said(40), said(20)]))).toEqual(["m:10", "m:20", "m:40"]);
  });

  it("says where a gap is left", () => {
    expect(over(pages, [said(59), said(58)])).toBeNull();
    expect(ids(over([{ messages: [], cursor: null }], [said(59)]))).toEqual(["m:59"]);
  });

  it("finds the first that nobody has looked at, of the user's only", () => {
    const messages = [said(10), said(20, { author: "bot" }), said(30)];
    expect(firstUnread(messages, said(10).sent_at)).toBe("m:30");
    expect(firstUnread(messages, null)).toBe("m:10");
    expect(firstUnread(messages, said(30).sent_at)).toBeNull();
  });
});
