import { afterEach, describe, expect, it, vi } from "vitest";
import { AT, conversation, waiting } from "../test/samples";
import { newlyWaiting, notify } from "./notify";

describe("a call for a person", () => {
  const known = new Map([waiting(AT, { user_id: "1" }), conversation({ user_id: "2" })].map((one) => [one.id, one]));

  it("is who begins to wait, and nobody else", () => {
    const changed = [
      waiting(AT, { user_id: "1", version: 9 }),
      waiting(AT, { user_id: "2" }),
      waiting(AT, { user_id: "3" }),
      conversation({ user_id: "4" }),
    ];
    expect(newlyWaiting(known, changed, "ana").map((one) => one.user_id)).toEqual(["2", "3"]);
  });

  it("is no pause that the operator made, wherever they made it, until the customer writes after their answer", () => {
    const later = "2026-01-31T12:05:00.000Z";
    const pausedBy = (id: string, user_id: string, since = AT) =>
      waiting(since, {
        user_id,
        paused: { since: AT, until: null, by: { type: "operator", id, name: id }, reason: null },
      });
    const changed = [pausedBy("ana", "2"), pausedBy("ana", "5"), pausedBy("ben", "6"), pausedBy("ana", "7", later)];
    expect(newlyWaiting(known, changed, "ana").map((one) => one.user_id)).toEqual(["6", "7"]);
  });
});

describe("a notification", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("stops nothing where a phone's browser permits it and shows none", () => {
    const shown = vi.fn(() => {
      throw new TypeError("Illegal constructor");
    });
    vi.stubGlobal("Notification", Object.assign(shown, { permission: "granted" }));
    expect(() => notify([waiting(AT)], () => {})).not.toThrow();
    expect(shown).toHaveBeenCalled();
  });
});
