/** What an operator can choose; kept in this browser. */
import * as v from "valibot";
import { LANGUAGES } from "../words";
import { kept } from "./kept";

const Shape = v.object({
  theme: v.fallback(v.picklist(["system", "light", "dark"]), "system"),
  language: v.fallback(v.picklist(LANGUAGES), "en"),
  /** What sends: Enter, or Ctrl and Enter so that Enter makes a new line. */
  send: v.fallback(v.picklist(["enter", "ctrl-enter"]), "enter"),
  shortcuts: v.fallback(v.boolean(), true),
  notifications: v.fallback(v.boolean(), false),
  sound: v.fallback(v.boolean(), false),
});

export type Settings = v.InferOutput<typeof Shape>;
const FIRST = v.parse(Shape, { language: navigator.language.slice(0, 2) });

export const settings = kept<Settings>("hitl.settings", FIRST, (value) => v.parse(Shape, value));

export function choose(change: Partial<Settings>): void {
  settings.update((now) => ({ ...now, ...change }));
}
