import { describe, expect, it } from "vitest";
import type { Stop } from "../api/types";
import { AT, conversation, waiting } from "../test/samples";
import { sentence } from "./sentence";
import { span, urgency } from "./waits";

const now = Date.parse(AT) + 4 * 60_000;
const say = (one: Parameters<typeof sentence>[0], stop?: Stop) => sentence(one, "kim", stop, now);
const stopped: Stop = { paused: true, reason: null, by: null, since: AT };

describe("the header's sentence", () => {
  it("says that the bot is answering", () => {
    expect(say(conversation())).toMatchObject({ voice: "bot", words: "The bot is answering", action: "pause" });
  });

  it("says that all bots are stopped, before anything is paused", () => {
    expect(say(conversation(), stopped)).toMatchObject({ voice: "stopped", action: "pause" });
  });

  it("says who waits, and for how long", () => {
    expect(say(waiting(AT))).toMatchObject({
      voice: "waiting",
      words: "Waiting for 4 min",
      silent: "the bot is silent",
      action: "resume",
    });
  });

  it("says who is answering, and when the bot comes back", () => {
    const by = { type: "operator", id: "kim", name: "Kim" } as const;
    const paused = { since: AT, until: "2026-01-31T12:16:00.000Z", by, reason: null };
    const mine = waiting(AT, { paused, waiting_since: null, last_operator: { id: "kim", name: "Kim", at: AT } });
    expect(say(mine)).toMatchObject({ words: "You are answering", silent: "bot back in 12 min" });
    const others = { ...mine, last_operator: { id: "ben", name: "Ben", at: AT } };
    expect(say(others).words).toMatch(/^Ben is answering/);
    const inbox = {
      id: "m:2",
      author: "page_inbox",
      by: null,
      text: "From the inbox",
      sent_at: "2026-01-31T12:01:00.000Z",
    } as const;
    expect(say({ ...others, last_message: inbox }).words).toBe("The Page inbox is answering");
    const before = { ...mine, last_operator: { id: "kim", name: "Kim", at: "2026-01-30T12:00:00.000Z" } };
    expect(say(before).words).toMatch(/^Paused/);
  });
});

describe("waits", () => {
  it.each([
    [-5, "now", 0],
    [59_000, "now", 0],
    [119_000, "1 min", 0],
    [600_000, "10 min", 2],
    [59 * 60_000, "59 min", 3],
    [125 * 60_000, "2 h 5 min", 3],
    [49 * 3600_000, "2 days", 3],
  ])("of %d ms are said and felt", (milliseconds, words, strength) => {
    expect([span(milliseconds), urgency(milliseconds)]).toEqual([words, strength]);
  });
});
