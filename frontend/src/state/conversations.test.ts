import { describe, expect, it } from "vitest";
import type { Conversation } from "../api/types";
import { conversation, listing, time, waiting } from "../test/samples";
import { EMPTY, expire, learn, page, type State, viewKey } from "./conversations";

const at = (user: number, minute: number, own: Partial<Conversation> = {}) =>
  conversation({ user_id: String(user), last_activity_at: time(minute), ...own });
const users = (state: State, status: Conversation["status"] | "all" | "waiting", q = "") =>
  state.views.get(viewKey(status, q))?.ids.map((id) => id.split(":")[2]);

describe("the first page of a view", () => {
  it("is shown in the server's order", () => {
    const state = page(EMPTY, "all", "", listing([at(3, 9), at(2, 8), at(1, 7)]));
    expect(users(state, "all")).toEqual(["3", "2", "1"]);
  });

  it("asked again keeps what lies behind it, and drops what has gone from it", () => {
    let state = page(
      EMPTY,
      "waiting",
      "",
      listing([waiting(time(1), { user_id: "1" }), waiting(time(2), { user_id: "2" })], { cursor: "c" }),
    );
    state = page(state, "waiting", "", listing([waiting(time(3), { user_id: "3" })], { cursor: null }), "c");
    expect(users(state, "waiting")).toEqual(["1", "2", "3"]);
    state = page(state, "waiting", "", listing([waiting(time(2), { user_id: "2" })], { cursor: "c" }));
    expect(users(state, "waiting")).toEqual(["2", "3"]);
  });

  it("asked again keeps what the server had not seen yet when it answered", () => {
    const first = page(EMPTY, "waiting", "", listing([waiting(time(2), { user_id: "2", last_activity_at: time(2) })]));
    const late = waiting(time(1), { user_id: "1", last_activity_at: time(40) });
    const state = page(learn(first, [late]), "waiting", "", listing([...first.byId.values()], { since: time(30) }));
    expect(users(state, "waiting")).toEqual(["1", "2"]);
  });

  it("has who came while it was on its way, as far as it goes", () => {
    const answer = listing([waiting(time(1), { user_id: "1" }), waiting(time(3), { user_id: "3" })], {
      since: time(30),
    });
    const come = [2, 4].map((user) => waiting(time(user), { user_id: String(user), last_activity_at: time(40) }));
    expect(users(page(learn(EMPTY, come), "waiting", "", answer), "waiting")).toEqual(["1", "2", "3", "4"]);
    const more = { ...answer, cursor: "c" };
    const first = page(learn(EMPTY, come), "waiting", "", more);
    expect(users(first, "waiting")).toEqual(["1", "2", "3"]);
    expect(users(page(first, "waiting", "", listing([], { since: time(30) }), "c"), "waiting")).toEqual([
      "1",
      "2",
      "3",
      "4",
    ]);
  });

  it("asked again has nobody twice, wherever they were", () => {
    const [one, two] = [at(2, 8), at(1, 50)];
    let state = page(EMPTY, "all", "", listing([two, one], { cursor: "c" }));
    state = page(state, "all", "", listing([at(3, 55)], { cursor: "c", since: time(40) }));
    expect(users(state, "all")).toEqual(["3", "1", "2"]);
  });

  it("without a cursor is everything", () => {
    let state = page(EMPTY, "all", "", listing([at(2, 8), at(1, 7)], { cursor: "c" }));
    state = page(state, "all", "", listing([at(2, 8)]));
    expect(users(state, "all")).toEqual(["2"]);
  });
});

describe("a conversation that changes", () => {
  const loaded = page(EMPTY, "all", "", listing([at(3, 9), at(2, 8), at(1, 7)], { cursor: "more" }));

  it("moves to its new place and leaves the others' objects alone", () => {
    const state = learn(loaded, [at(1, 10, { version: 2 })]);
    expect(users(state, "all")).toEqual(["1", "3", "2"]);
    expect(state.byId.get("messenger:100:2")).toBe(loaded.byId.get("messenger:100:2"));
  });

  it("of an older version changes nothing at all", () => {
    expect(learn(loaded, [at(1, 30, { version: 0 })])).toBe(loaded);
  });

  it("is not shown before its page is loaded", () => {
    expect(users(learn(loaded, [at(9, 1)]), "all")).toEqual(["3", "2", "1"]);
    const complete = page(EMPTY, "all", "", listing([at(3, 9)]));
    expect(users(learn(complete, [at(9, 1)]), "all")).toEqual(["3", "9"]);
  });

  it("comes up under waiting, oldest first, and leaves when it is resumed", () => {
    let state = page(EMPTY, "waiting", "", listing([waiting(time(5), { user_id: "5" })]));
    state = learn(state, [waiting(time(4), { user_id: "4" }), waiting(time(6), { user_id: "6" })], 3);
    expect(users(state, "waiting")).toEqual(["4", "5", "6"]);
    expect(state.waiting).toBe(3);
    expect(users(learn(state, [at(5, 7, { version: 2 })]), "waiting")).toEqual(["4", "6"]);
  });

  it("is found by a search as the server finds it", () => {
    const state = page(EMPTY, "all", "ANA", listing([]));
    const found = learn(state, [at(1, 1, { name: "Anatol" }), at(2, 2, { name: null })]);
    expect(users(found, "all", "ANA")).toEqual(["1"]);
  });

  it("comes among the answered behind those who wait, where both are paused", () => {
    const answered = (user: string, minute: number) => waiting(time(minute), { user_id: user, waiting_since: null });
    let state = page(EMPTY, "paused", "", listing([waiting(time(5), { user_id: "5" }), answered("1", 1)]));
    state = learn(state, [answered("2", 0)]);
    expect(users(state, "paused")).toEqual(["5", "2", "1"]);
  });
});

describe("a pause with an end", () => {
  const pause = { since: time(1), until: time(20), by: { type: "bot", id: "", name: "" } as const, reason: null };
  const state = page(EMPTY, "paused", "", listing([waiting(time(1), { user_id: "1", paused: pause })], { waiting: 1 }));

  it("holds until then", () => {
    expect(expire(state, Date.parse(time(19)))).toBe(state);
  });

  it("is over from then on, without a word of the server", () => {
    const ended = expire(state, Date.parse(time(20)));
    expect(users(ended, "paused")).toEqual([]);
    expect(ended.byId.get("messenger:100:1")).toMatchObject({ status: "active", waiting_since: null });
    expect(ended.waiting).toBe(0);
  });
});
