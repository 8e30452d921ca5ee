import { describe, expect, it } from "vitest";
import { AT, conversation } from "../test/samples";
import { EMPTY, learn } from "./conversations";
import { replyWindow } from "./window";

const now = Date.parse(AT);
const inMinutes = (minutes: number) => new Date(now + minutes * 60_000).toISOString();
const say = (type: "response" | "human_agent" | "closed", until: string) =>
  replyWindow(conversation({ window: { type, until } }), "Ana", now);

describe("the reply window", () => {
  it("counts down, and urges in its last hour", () => {
    expect(say("response", inMinutes(125))).toEqual({
      isClosed: false,
      isUrgent: false,
      left: "2 h 5 min left to answer",
      hint: null,
    });
    expect(say("response", inMinutes(0.5))).toMatchObject({ isUrgent: true, left: "less than 1 min left to answer" });
  });

  it("says before anything is sent that only a person's answer goes out", () => {
    expect(say("human_agent", inMinutes(600))).toMatchObject({ isClosed: false, isUrgent: true });
    expect(say("human_agent", inMinutes(600)).hint).toMatch(/24 hours after Ana’s last message are over/);
  });

  it("is closed by the server's word, or by the time", () => {
    expect(say("closed", inMinutes(-5))).toMatchObject({ isClosed: true, left: null });
    expect(say("response", inMinutes(0))).toMatchObject({ isClosed: true, left: null });
    expect(say("closed", inMinutes(-5)).hint).toMatch(/Ana must write again first/);
  });

  it("is unknown of a user who has said nothing", () => {
    expect(replyWindow(conversation(), "Ana", now)).toMatchObject({ isClosed: false, left: null, hint: null });
  });

  it("moves on without a new version, and never back", () => {
    const at = (type: "response" | "human_agent" | "closed") => conversation({ window: { type, until: AT } });
    let state = learn(EMPTY, [at("response")]);
    for (const type of ["human_agent", "closed"] as const) {
      state = learn(state, [at(type)]);
      expect(state.byId.get(at(type).id)?.window?.type).toBe(type);
    }
    expect(learn(state, [at("response")])).toBe(state);
  });
});
