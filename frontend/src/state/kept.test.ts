import { beforeEach, describe, expect, it, vi } from "vitest";
import { kept } from "./kept";

const NAME = "hitl.test";
const read = (value: unknown) => value as readonly string[];
const stored = () => JSON.parse(localStorage.getItem(NAME) ?? "null");

/** Another tab has written, and its word of it may still be on its way. */
const elsewhere = (value: readonly string[]) => localStorage.setItem(NAME, JSON.stringify(value));
const told = (value: readonly string[]) =>
  dispatchEvent(new StorageEvent("storage", { key: NAME, newValue: JSON.stringify(value) }));

describe("what is kept in this browser", () => {
  beforeEach(() => localStorage.clear());

  it("loses nothing that another tab has written just before", () => {
    const cell = kept(NAME, [], read);
    elsewhere(["theirs"]);
    cell.update((all) => all.filter((one) => one !== "gone"));
    expect(stored()).toEqual(["theirs"]);
    cell.update((all) => [...all, "mine"]);
    expect(cell.get()).toEqual(["theirs", "mine"]);
    expect(stored()).toEqual(["theirs", "mine"]);
  });

  it("is what was written last, in whatever order tabs hear of each other", () => {
    const cell = kept(NAME, [], read);
    elsewhere(["theirs"]);
    cell.update((all) => [...all, "mine"]);
    told(["theirs"]);
    expect(cell.get()).toEqual(["theirs", "mine"]);
  });

  it("works where the browser keeps nothing more", () => {
    const cell = kept(NAME, [], read);
    cell.update(() => ["first"]);
    const full = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    cell.update((all) => [...all, "second"]);
    cell.update((all) => [...all, "third"]);
    full.mockRestore();
    expect(cell.get()).toEqual(["first", "second", "third"]);
  });
});
