/** The time, as far as anything on the screen depends on it. */
import { cell, useCell } from "./state/cell";

const EVERY = 5000;
export const now = cell(Date.now());
setInterval(() => now.update(() => Date.now()), EVERY);

/** A part of the time, so that only what changes with it is rendered anew. */
export function useNow<Part>(part: (now: number) => Part): Part {
  return useCell(now, part);
}
