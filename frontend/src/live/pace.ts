/** How long to wait between two polls. Pure. What it costs is computed from here: docs/operating.md. */
const VISIBLE = 5000;
const IDLE = 15_000;
const HIDDEN = 60_000;
const IDLE_AFTER = 5 * 60_000;
const LONGEST = 60_000;
/** What is read beside it while somebody looks: the global stop, and whether the Pages are connected. */
export const STOP_EVERY = 60_000;
export const PAGES_EVERY = 300_000;

export interface Situation {
  isVisible: boolean;
  /** Since the operator last did anything here, in milliseconds. */
  idleFor: number;
  /** Failed polls in a row. */
  failures: number;
}

/** Milliseconds. `chance`, from 0 to 1, spreads out tabs that failed together. */
export function pace({ isVisible, idleFor, failures }: Situation, chance: number): number {
  const usual = !isVisible ? HIDDEN : idleFor > IDLE_AFTER ? IDLE : VISIBLE;
  if (failures === 0) return usual;
  const backoff = Math.min(LONGEST, 1000 * 2 ** Math.min(failures, 6));
  return Math.max(isVisible ? 0 : HIDDEN, backoff * (0.5 + chance / 2));
}
