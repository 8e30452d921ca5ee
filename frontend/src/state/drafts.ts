/** What was begun and not sent, for each conversation; survives reload and sign-in. */
import * as v from "valibot";
import { kept } from "./kept";

type Drafts = Readonly<Record<string, string>>;

export const drafts = kept<Drafts>("hitl.drafts", {}, (value) => v.parse(v.record(v.string(), v.string()), value));

/** Nothing but spaces is no draft. */
export function draft(id: string, text: string): void {
  drafts.update((all) => {
    if ((all[id] ?? "") === text) return all;
    const { [id]: _, ...others } = all;
    return text.trim() === "" ? others : { ...others, [id]: text };
  });
}
