import { describe, expect, it } from "vitest";
import { arrange } from "../message/relations";
import { message } from "../test/samples";
import { estimate, items, opening } from "./items";

const said = (id: string, sent_at: string) => message({ id, sent_at, mid: id });

describe("what a thread shows", () => {
  it("has a line before each day and before what is unread", () => {
    const rows = arrange([
      said("m:1", "2026-01-30T12:00:00.000Z"),
      said("m:2", "2026-01-30T12:01:00.000Z"),
      said("m:3", "2026-01-31T12:00:00.000Z"),
    ]);
    expect(items(rows, "m:2").map((item) => (item.is === "row" ? item.key : item.is))).toEqual([
      "day",
      "m:1",
      "unread",
      "m:2",
      "day",
      "m:3",
    ]);
  });

  it("has no two keys alike", () => {
    const rows = arrange([said("m:1", "2026-01-31T12:00:00.000Z"), said("m:2", "2026-01-31T12:00:00.000Z")]);
    const keys = items(rows, null).map((item) => item.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("opens at an item where there is one of that key, else with its end in sight", () => {
    const rows = arrange([said("m:1", "2026-01-31T12:00:00.000Z"), said("m:2", "2026-01-31T12:01:00.000Z")]);
    const shown = items(rows, "m:2");
    const [day, first, line, last] = shown.map(estimate) as [number, number, number, number];
    expect(opening(shown, "unread", 100)).toBe(day + first);
    expect(opening(shown, "m:2", 100)).toBe(day + first + line);
    expect(opening(shown, "m:9", 100)).toBe(day + first + line + last - 100);
  });
});
