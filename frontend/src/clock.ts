/** The server's time, as far as anything on the screen depends on it: a browser's clock may be an hour off. */
import { cell, useCell } from "./state/cell";

const EVERY = 5000;
/** An answer may take so long on its way, which is no fault of the clock. */
const TOLERANCE = 30_000;
/** The server sets its marks so long before the time of its answer. */
const OVERLAP = 10_000;
/** How far the browser's clock is ahead of the server's; 0 within the tolerance. */
let ahead = 0;
export const now = cell(Date.now());
const tick = () => now.update(() => Date.now() - ahead);
setInterval(tick, EVERY);

/** Sets the time by the mark of an answer that has just come. */
export function setBy(since: string): void {
  const difference = Date.now() - Date.parse(since) - OVERLAP;
  const isOff = Math.abs(difference) > TOLERANCE;
  if (!isOff && ahead === 0) return;
  ahead = isOff ? difference : 0;
  tick();
}

/** A part of the time, so that only what changes with it is rendered anew. */
export function useNow<Part>(part: (now: number) => Part): Part {
  return useCell(now, part);
}
