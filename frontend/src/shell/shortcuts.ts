/** One key each, while nothing is being written; all can be switched off in the settings. */
import { useEffect } from "react";
import { tinykeys } from "tinykeys";
import { type Desk, useDesk } from "../desk";
import { here } from "../place";
import { useCell } from "../state/cell";
import { settings } from "../state/settings";
import { type Key, t } from "../words";
import { open, opened } from "./dialogs";
import { openUnread, step } from "./moves";

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
    return tinykeys(window, bindings(desk));
  }, [desk, isOn]);
}

function bindings(desk: Desk): Record<string, (event: KeyboardEvent) => void> {
  const quiet = (act: () => void) => (event: KeyboardEvent) => {
    if (isWriting(event) || opened.get() !== null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const focus = (id: string) => document.getElementById(id)?.focus();
  return {
    j: quiet(() => step(desk, 1)),
    k: quiet(() => step(desk, -1)),
    u: quiet(() => openUnread(desk) || desk.say(t("unread.none"))),
    r: quiet(() => focus("composer")),
    p: quiet(() => {
      const { conversation } = here();
      const known = conversation === null ? undefined : desk.conversations.get().byId.get(conversation);
      if (known) void (known.status === "active" ? desk.pause(known.id) : desk.resume(known.id));
    }),
    "Shift+P": quiet(() => {
      const { conversation } = here();
      const known = conversation === null ? undefined : desk.conversations.get().byId.get(conversation);
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
    "Shift+?": quiet(() => open("help")),
    "$mod+k": (event) => {
      event.preventDefault();
      open("palette");
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
