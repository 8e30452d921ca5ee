import { describe, expect, it } from "vitest";
import deApp from "./de/app.json";
import deMessage from "./de/message.json";
import enApp from "./en/app.json";
import enMessage from "./en/message.json";

const names = (words: string) => [...words.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("the catalogues", () => {
  it.each([
    ["app", enApp, deApp],
    ["message", enMessage, deMessage],
  ])("say the same things in every language: %s", (_, english, german) => {
    const en = english as Record<string, string>;
    const de = german as Record<string, string>;
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    for (const [key, words] of Object.entries(de)) {
      expect([key, new Set(names(words))]).toEqual([key, new Set(names(en[key] ?? ""))]);
    }
  });
});
