/** What to do about a call that did not succeed. */
import { ApiError } from "../api/client";
import { t } from "../words";

const ATTEMPTS = 3;
const PAUSE = 700;

/** Tries again what may succeed a moment later. */
export async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError && error.passes) || attempt === ATTEMPTS || !navigator.onLine) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE * attempt));
    }
  }
}

/** What went wrong, for the operator. */
export function reason(error: unknown): string {
  return error instanceof ApiError ? error.message : t("fault.unknown");
}
