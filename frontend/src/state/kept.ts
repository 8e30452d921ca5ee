/** A cell that is kept in this browser, and the same in all its tabs. What cannot be read is the first value. */
import { type Cell, cell } from "./cell";

export function kept<T>(name: string, first: T, read: (value: unknown) => T): Cell<T> {
  const load = (text: string | null): T => {
    try {
      return text === null ? first : read(JSON.parse(text));
    } catch {
      return first;
    }
  };
  const stored = (): string | null => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // the browser keeps nothing for us; the cell works all the same
    }
  };
  let text = stored();
  const inner = cell(load(text));
  /** What another tab has written is known here later than it is there to be read. */
  const latest = (value: T): T => {
    const now = stored();
    if (now === text) return value;
    text = now;
    return load(now);
  };
  addEventListener("storage", (event) => {
    if (event.key === name) inner.update(latest);
  });
  return {
    ...inner,
    update(change) {
      const before = inner.get();
      inner.update((value) => change(latest(value)));
      if (inner.get() === before) return;
      try {
        const written = JSON.stringify(inner.get());
        localStorage.setItem(name, written);
        text = written;
      } catch {
        // full, or forbidden
      }
    },
  };
}
