/**
 * What the dashboard says, by key, in the operator's language. English is complete and in the bundle; another
 * language is loaded when it is chosen, and what it lacks is said in English.
 */
import app from "./en/app.json";
import message from "./en/message.json";

const english = { ...app, ...message };
export type Key = keyof typeof english;
export const NAMES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof NAMES;
export const LANGUAGES = Object.keys(NAMES) as Language[];

const OTHERS = {
  de: () => Promise.all([import("./de/app.json"), import("./de/message.json")]),
} satisfies Record<Exclude<Language, "en">, unknown>;

let catalogue: Partial<Record<Key, string>> = english;
let language: Language = "en";

/** The words of a key, with `{name}` replaced by the values. `"one | many"` chooses by `count`. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const words = catalogue[key] ?? english[key];
  const [one, many] = words.split(" | ") as [string, string?];
  const chosen = many !== undefined && values.count !== 1 ? many : one;
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The language and region of dates and numbers: the browser's where it speaks the chosen language. */
export function locale(): string {
  return navigator.languages.find((one) => one.startsWith(language)) ?? language;
}

/** Changes the language; whoever calls renders everything anew. */
export async function speak(chosen: Language): Promise<void> {
  if (chosen === "en") catalogue = english;
  else {
    const [app, message] = await OTHERS[chosen]();
    catalogue = { ...app.default, ...message.default };
  }
  language = chosen;
  document.documentElement.lang = chosen;
}
