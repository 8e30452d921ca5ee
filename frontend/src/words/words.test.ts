import { describe, expect, it } from "vitest";
import { LANGUAGES } from ".";

const catalogue = async (language: string, part: string): Promise<Record<string, string>> =>
  (await import(`./${language}/${part}.json`)).default;
const names = (words: string) => new Set([...words.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));

describe.each(LANGUAGES.filter((language) => language !== "en"))("the catalogue of %s", (language) => {
  it.each(["app", "message"])("says the same things as the English: %s", async (part) => {
    const [english, other] = [await catalogue("en", part), await catalogue(language, part)];
    expect(Object.keys(other).sort()).toEqual(Object.keys(english).sort());
    for (const [key, words] of Object.entries(other)) {
      expect([key, names(words)]).toEqual([key, names(english[key] ?? "")]);
    }
  });
});
