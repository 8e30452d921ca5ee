import { describe, expect, it } from "vitest";
import { add, asMessage, failed, type Sending, split, without } from "./outbox";

const sending: Sending = {
  client_id: "a1",
  conversation: "messenger:1:2",
  text: "Hello",
  at: "2026-01-31T12:00:00.000Z",
  seen: null,
  fault: null,
  retry: false,
};
const me = { type: "operator", id: "ana", name: "Ana" } as const;

describe("the outbox", () => {
  it("shows what is being sent, failed, and sent again, as the row it will be", () => {
    const outbox = add([], sending);
    expect(asMessage(outbox[0] as Sending, me)).toMatchObject({ id: "s:a1", state: "queued", text: "Hello" });
    const wrong = failed(outbox, "a1", "The server does not answer.");
    expect(asMessage(wrong[0] as Sending, me)).toMatchObject({
      state: "failed",
      failure: { message: "The server does not answer.", can_retry: true },
    });
    expect(add(wrong, sending)).toEqual(outbox);
    expect(without(wrong, "a1")).toEqual([]);
  });

  it("holds a message once however often it is added", () => {
    expect(add(add([], sending), sending)).toHaveLength(1);
  });
});

describe("splitting", () => {
  it("leaves alone what fits", () => {
    expect(split("Hello", 5)).toEqual(["Hello"]);
  });

  it.each([
    ["First part.\n\nSecond part.", 20, ["First part.", "Second part."]],
    ["One sentence. Another one here.", 20, ["One sentence.", "Another one here."]],
    ["word word word word", 10, ["word word", "word word"]],
    ["abcdefghij", 4, ["abcd", "efgh", "ij"]],
    ["abc😀def", 4, ["abc", "😀de", "f"]],
  ])("cuts %j at the best place", (text, longest, parts) => {
    expect(split(text, longest)).toEqual(parts);
  });

  it("loses no word", () => {
    const text = Array.from({ length: 900 }, (_, at) => `word${at}`).join(" ");
    const parts = split(text);
    expect(parts.every((part) => part.length <= 2000)).toBe(true);
    expect(parts.join(" ")).toBe(text);
  });
});
