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
  const inner = cell(load(stored()));
  addEventListener("storage", (event) => {
    if (event.key === name) inner.update(() => load(event.newValue));
  });
  return {
    ...inner,
    update(change) {
      inner.update(change);
      try {
        localStorage.setItem(name, JSON.stringify(inner.get()));
      } catch {
        // full, or forbidden
      }
    },
  };
}
