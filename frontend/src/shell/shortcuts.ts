/** One key each, while nothing is being written; all can be switched off in the settings. */
import { useEffect } from "react";
import { type Desk, useDesk } from "../desk";
import { isComposing } from "../keys";
import { useCell } from "../state/cell";
import { settings } from "../state/settings";
import { type Key, t } from "../words";
import { open, opened } from "./dialogs";
import { current, openUnread, step } from "./moves";

export const SHORTCUTS: readonly { keys: readonly string[]; words: Key }[] = [
  { keys: ["J", "K"], words: "keys.step" },
  { keys: ["⏎"], words: "keys.open" },
  { keys: ["U"], words: "keys.unread" },
  { keys: ["R"], words: "keys.reply" },
  { keys: ["P"], words: "keys.pause" },
  { keys: ["⇧", "P"], words: "keys.deliver" },
  { keys: ["Z"], words: "keys.undo" },
  { keys: ["/"], words: "keys.search" },
  { keys: ["Ctrl", "K"], words: "keys.palette" },
  { keys: ["?"], words: "keys.help" },
  { keys: ["Esc"], words: "keys.leave" },
  { keys: ["Ctrl", "⇧", "⏎"], words: "keys.next" },
  { keys: ["Alt", "⏎"], words: "keys.resume" },
];

export function useShortcuts(): void {
  const desk = useDesk();
  const isOn = useCell(settings, (all) => all.shortcuts);
  useEffect(() => {
    if (!isOn) return;
    const acts = bindings(desk);
    const onKeyDown = (event: KeyboardEvent) => {
      if (!isComposing(event)) acts[nameOf(event)]?.(event);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [desk, isOn]);
}

/** What a key writes, whatever it takes to write it; of a letter that is not Latin, where it is. */
function nameOf({ key, code, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  const isForeign = /^\p{L}$/u.test(key) && !/\p{Script=Latin}/u.test(key);
  const letter = isForeign ? code.replace("Key", "") : key;
  const isLetter = /^[a-z]$/i.test(letter);
  const command = altKey ? "Alt+" : ctrlKey || metaKey ? "Ctrl+" : "";
  return `${command}${isLetter && shiftKey ? "Shift+" : ""}${isLetter ? letter.toLowerCase() : letter}`;
}

function bindings(desk: Desk): Record<string, (event: KeyboardEvent) => void> {
  const moves = (act: () => void) => (event: KeyboardEvent) => {
    if (isWriting(event) || opened.get() !== null) return;
    event.preventDefault();
    act();
  };
  const quiet = (act: () => void) => (event: KeyboardEvent) => {
    if (!event.repeat) moves(act)(event);
  };
  const focus = (id: string) => document.getElementById(id)?.focus();
  return {
    j: moves(() => step(desk, 1)),
    k: moves(() => step(desk, -1)),
    u: quiet(() => openUnread(desk) || desk.say(t("unread.none"))),
    r: quiet(() => focus("composer")),
    p: quiet(() => {
      const known = current(desk);
      if (known) void (known.status === "active" ? desk.pause(known.id) : desk.resume(known.id));
    }),
    "Shift+p": quiet(() => {
      const known = current(desk);
      if (known?.status === "paused") void desk.resume(known.id, true);
    }),
    z: quiet(() => {
      const toast = desk.toasts.get().findLast((one) => one.undo !== undefined);
      if (toast) {
        desk.dismiss(toast.id);
        toast.undo?.();
      }
    }),
    "/": quiet(() => focus("search")),
    "?": quiet(() => open("help")),
    "Ctrl+k": (event) => {
      // On a Mac it deletes to the end of the line.
      if (event.ctrlKey && isWriting(event) && navigator.platform.startsWith("Mac")) return;
      event.preventDefault();
      if (opened.get() === null) open("palette");
    },
    // biome-ignore lint/correctness/noComponentHookFactories: the name of a key
    Escape: (event) => {
      if (opened.get() !== null || !isWriting(event)) return;
      (document.activeElement as HTMLElement | null)?.blur();
      focus("thread");
    },
  };
}

function isWriting(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target !== null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
