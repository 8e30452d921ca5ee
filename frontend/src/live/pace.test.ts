import { describe, expect, it } from "vitest";
import { PAGES_EVERY, pace, STOP_EVERY } from "./pace";

const at = (own: object) => pace({ isVisible: true, idleFor: 0, failures: 0, ...own }, 0.5);

describe("the pace of polling", () => {
  it("is quick while somebody looks, slow while nobody does", () => {
    expect(at({})).toBe(5000);
    expect(at({ idleFor: 600_000 })).toBe(15_000);
    expect(at({ isVisible: false })).toBe(60_000);
  });

  it("costs ten operators less than 10 dollars a month", () => {
    const hour = 3600_000;
    const looking = 22 * 8 * hour;
    const reads = looking / STOP_EVERY + looking / PAGES_EVERY;
    const polls = looking / at({}) + ((730 - 22 * 8) * hour) / at({ isVisible: false }) + reads;
    const dollarsAMillion = 3.5 + 0.7 + 0.5; // API Gateway, Lambda, DynamoDB
    expect((10 * polls * dollarsAMillion) / 1e6).toBeLessThan(10);
  });

  it("backs off from a server that fails, up to a minute", () => {
    const waits = [1, 2, 3, 4, 5, 6, 60].map((failures) => at({ failures }));
    expect(waits).toEqual([...waits].sort((one, other) => one - other));
    expect(waits[0]).toBe(1500);
    expect(waits.at(-1)).toBe(45_000);
  });
});
