/** One value that components subscribe to, in part where they like. */
import { useSyncExternalStore } from "react";

export interface Cell<T> {
  get(): T;
  /** Subscribers are called where the change gives another value. */
  update(change: (value: T) => T): void;
  subscribe(changed: () => void): () => void;
}

export function cell<T>(value: T): Cell<T> {
  const subscribers = new Set<() => void>();
  return {
    get: () => value,
    update(change) {
      const next = change(value);
      if (Object.is(next, value)) return;
      value = next;
      for (const changed of [...subscribers]) changed();
    },
    subscribe(changed) {
      subscribers.add(changed);
      return () => subscribers.delete(changed);
    },
  };
}

export function useCell<T>(of: Cell<T>): T;
export function useCell<T, Part>(of: Cell<T>, part: (value: T) => Part): Part;
export function useCell<T>(of: Cell<T>, part: (value: T) => unknown = (value) => value): unknown {
  return useSyncExternalStore(of.subscribe, () => part(of.get()));
}
