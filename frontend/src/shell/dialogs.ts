/** Which dialog is open; one at a time. */
import { cell } from "../state/cell";

export type Name = "help" | "settings" | "stop" | "palette";

export const opened = cell<Name | null>(null);

export function open(name: Name): void {
  opened.update(() => name);
}

export function close(): void {
  opened.update(() => null);
}
