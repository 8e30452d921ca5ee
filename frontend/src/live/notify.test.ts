import { describe, expect, it } from "vitest";
import { AT, conversation, waiting } from "../test/samples";
import { newlyWaiting } from "./notify";

describe("a call for a person", () => {
  const known = new Map([waiting(AT, { user_id: "1" }), conversation({ user_id: "2" })].map((one) => [one.id, one]));

  it("is who begins to wait, and nobody else", () => {
    const changed = [
      waiting(AT, { user_id: "1", version: 9 }),
      waiting(AT, { user_id: "2" }),
      waiting(AT, { user_id: "3" }),
      conversation({ user_id: "4" }),
    ];
    expect(newlyWaiting(known, changed).map((one) => one.user_id)).toEqual(["2", "3"]);
  });
});
