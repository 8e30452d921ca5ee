import { beforeEach, describe, expect, it } from "vitest";
import { format, go, here, parse } from "./place";

describe("places", () => {
  it.each([
    ["#/waiting", { status: "waiting", q: "", conversation: null, message: null }],
    ["#/all/messenger:1:2", { status: "all", q: "", conversation: "messenger:1:2", message: null }],
    [
      "#/paused/instagram:1:2?q=ana+%26+ben&message=m%3Aabc",
      { status: "paused", q: "ana & ben", conversation: "instagram:1:2", message: "m:abc" },
    ],
  ] as const)("reads and writes %s", (hash, place) => {
    expect(parse(hash)).toEqual(place);
    expect(format(place)).toBe(hash);
  });

  it.each(["", "#", "#/nowhere", "#/all/%E0%A4%A", "#//"])("leads home from %j", (hash) => {
    expect(parse(hash)).toMatchObject({ status: "all", conversation: null });
  });

  describe("going", () => {
    beforeEach(() => history.replaceState(null, "", "#/waiting?q=ana"));

    it("keeps the filter and leaves a message's link behind", () => {
      go({ conversation: "messenger:1:2", message: "m:4" });
      expect(here()).toEqual({ status: "waiting", q: "ana", conversation: "messenger:1:2", message: "m:4" });
      go({ conversation: "messenger:1:3" });
      expect(here().message).toBeNull();
      expect(here().q).toBe("ana");
    });
  });
});
