/** Reading objects of others, in which anything may be missing or of another type. Pure. */

export type Fields = Readonly<Record<string, unknown>>;

/** The object, or an empty one where it is none. */
export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** What a table has under a name that others have given: nothing of what every object has. */
export function entry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The objects of a list; none where it is no list. */
export function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.slice(0, 50).map(fields) : [];
}

/** A text with something to read in it; numbers are read as texts. */
export function words(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && isReadable(text) ? text : undefined;
}

/** Whether there is something to see in a text: not only blanks and characters without a shape. */
export function isReadable(text: string): boolean {
  return /[^\s\p{Cc}\p{Cf}\p{Mn}\u115f\u1160\u2800\u3164\uffa0]/u.test(text);
}

/** `coupon_code` as `Coupon code`. */
export function spoken(name: string): string {
  const text = name
    .replace(/[_-]+/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .trim();
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}
