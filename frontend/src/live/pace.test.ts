import { describe, expect, it } from "vitest";
import { pace } from "./pace";

const at = (own: object) => pace({ isVisible: true, idleFor: 0, failures: 0, ...own }, 0.5);

describe("the pace of polling", () => {
  it("is quick while somebody looks, slow while nobody does", () => {
    expect(at({})).toBe(5000);
    expect(at({ idleFor: 600_000 })).toBe(15_000);
    expect(at({ isVisible: false })).toBe(60_000);
  });

  it("backs off from a server that fails, up to a minute", () => {
    const waits = [1, 2, 3, 4, 5, 6, 60].map((failures) => at({ failures }));
    expect(waits).toEqual([...waits].sort((one, other) => one - other));
    expect(waits[0]).toBe(1500);
    expect(waits.at(-1)).toBe(45_000);
  });
});
