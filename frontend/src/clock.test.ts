import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const HOUR = 3_600_000;
const mark = (at: number) => new Date(at - 10_000).toISOString();

describe("the time", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.resetModules();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is the server's where the browser's clock is off, and the browser's once it is right", async () => {
    const { now, setBy } = await import("./clock");
    setBy(mark(Date.now() - HOUR));
    expect(now.get()).toBe(Date.now() - HOUR);
    vi.advanceTimersByTime(60_000);
    expect(now.get()).toBe(Date.now() - HOUR);
    setBy(mark(Date.now()));
    expect(now.get()).toBe(Date.now());
  });

  it("is no other for what an answer takes on its way", async () => {
    const { now, setBy } = await import("./clock");
    setBy(mark(Date.now() - 20_000));
    vi.advanceTimersByTime(5000);
    expect(now.get()).toBe(Date.now());
  });
});
