import { fireEvent } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { viewKey } from "../state/conversations";
import { choose } from "../state/settings";
import { deskOf, server, show } from "../test/desk";
import { conversation } from "../test/samples";
import { close, opened } from "./dialogs";
import { useShortcuts } from "./shortcuts";

function Page() {
  useShortcuts();
  return (
    <>
      <input id="search" />
      <textarea id="composer" />
    </>
  );
}

const ONE = conversation();

function page() {
  const calls = server();
  const desk = deskOf(calls, ONE);
  const view = { status: "all", q: "", ids: [ONE.id], cursor: null, searchedTo: null } as const;
  desk.conversations.update((state) => ({ ...state, views: new Map([[viewKey("all", ""), view]]) }));
  show(desk, <Page />);
  return calls.asked;
}

const press = (key: string, code: string, own: KeyboardEventInit = {}) =>
  fireEvent.keyDown(document.activeElement ?? document.body, { key, code, ...own });

beforeEach(() => {
  location.hash = "#/all";
});
afterEach(() => {
  close();
  choose({ shortcuts: true });
});

test.each([
  ["an American", "/", "Slash", false],
  ["a German", "/", "Digit7", true],
])("/ searches on %s keyboard", (_, key, code, shiftKey) => {
  page();
  press(key, code, { shiftKey });
  expect(document.activeElement?.id).toBe("search");
});

test.each([
  ["j", "KeyJ"],
  ["J", "KeyJ"], // caps lock
  ["ξ", "KeyJ"],
  ["о", "KeyJ"],
  ["j", "KeyC"], // Dvorak
])("%s at %s opens the next", (key, code) => {
  page();
  press(key, code);
  expect(location.hash).toBe(`#/all/${ONE.id}`);
});

test("a key that only lies where another one does is not that one", () => {
  page();
  press("h", "KeyJ"); // Dvorak
  press("J", "KeyJ", { shiftKey: true });
  press("j", "KeyJ", { ctrlKey: true });
  press("j", "KeyJ", { altKey: true });
  expect(location.hash).toBe("#/all");
});

test("a key that is held down acts once", async () => {
  const asked = page();
  location.hash = `#/all/${ONE.id}`;
  press("p", "KeyP");
  await vi.waitFor(() => expect(asked).toContain(`pause ${ONE.id}`));
  await new Promise((resolve) => setTimeout(resolve));
  press("p", "KeyP", { repeat: true });
  expect(asked.filter((what) => /^(pause|resume)/.test(what))).toHaveLength(1);
});

test("an input method keeps its keys, and a dialog its place", () => {
  page();
  document.getElementById("composer")?.focus();
  press("Escape", "Escape", { isComposing: true });
  expect(document.activeElement?.id).toBe("composer");
  press("k", "KeyK", { ctrlKey: true });
  expect(opened.get()).toBe("palette");
  opened.update(() => "stop");
  press("л", "KeyK", { ctrlKey: true });
  expect(opened.get()).toBe("stop");
  close();
  press("л", "KeyK", { ctrlKey: true });
  expect(opened.get()).toBe("palette");
});

test("a Mac's own Ctrl+K deletes to the end of the line where something is written", () => {
  page();
  const platform = vi.spyOn(navigator, "platform", "get").mockReturnValue("MacIntel");
  document.getElementById("composer")?.focus();
  expect(press("k", "KeyK", { ctrlKey: true })).toBe(true);
  expect(opened.get()).toBeNull();
  press("k", "KeyK", { metaKey: true });
  expect(opened.get()).toBe("palette");
  platform.mockRestore();
});

test("all can be switched off", () => {
  choose({ shortcuts: false });
  page();
  press("j", "KeyJ");
  press("k", "KeyK", { ctrlKey: true });
  expect([location.hash, opened.get()]).toEqual(["#/all", null]);
});
