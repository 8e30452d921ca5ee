/** Times as people read them, in the operator's language and time zone. `at` is RFC 3339 as the API gives it. */
import { locale } from "../words";

const SHORT_DATE = { day: "numeric", month: "short" } as const;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The time of day: 14:05. */
export function clock(at: string): string {
  return format("clock", { hour: "numeric", minute: "2-digit" }).format(new Date(at));
}

/** Everything there is to say of a moment, to the second. */
export function moment(at: string): string {
  return format("moment", { dateStyle: "full", timeStyle: "medium" }).format(new Date(at));
}

/** The time of day for today, the weekday for this week, else the date; as short as a row of the list needs it. */
export function shortTime(at: string, now: number): string {
  const ago = daysAgo(at, now);
  if (ago <= 0) return clock(at);
  if (ago < 7) return format("short weekday", { weekday: "short" }).format(new Date(at));
  return format("short", SHORT_DATE).format(new Date(at));
}

/** A day and the time of day, for what is not of today; the time alone for what is. Inside a sentence. */
export function dayAndClock(at: string, now: number): string {
  const ago = daysAgo(at, now);
  if (ago === 0) return clock(at);
  return `${Math.abs(ago) === 1 ? relative("auto").format(-ago, "day") : shortDay(at, now)}, ${clock(at)}`;
}

/** What heads a day: Today, Yesterday, a weekday of the last six days, or the date. */
export function dayName(at: string, now: number): string {
  const ago = daysAgo(at, now);
  if (ago === 0 || ago === 1) return capital(relative("auto").format(-ago, "day"));
  if (ago > 1 && ago < 7) return capital(format("weekday", { weekday: "long" }).format(new Date(at)));
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format("date", { weekday: "long", day: "numeric", month: "long" }).format(new Date(at))
    : format("year", { day: "numeric", month: "long", year: "numeric" }).format(new Date(at));
}

/** Whether two moments are of the same day here. */
export function isSameDay(one: string, other: string): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

/** How long ago something was, in the largest unit: 5 minutes ago. */
export function ago(at: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  for (const [unit, length] of UNITS) {
    if (seconds >= length) return relative("always").format(-Math.floor(seconds / length), unit);
  }
  return relative("auto").format(0, "second");
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

function daysAgo(at: string, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(Date.parse(at))) / 86_400_000);
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

function shortDay(at: string, now: number): string {
  return new Date(at).getFullYear() === new Date(now).getFullYear()
    ? format("short", SHORT_DATE).format(new Date(at))
    : format("short of a year", { ...SHORT_DATE, year: "numeric" }).format(new Date(at));
}

function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase(locale()) + words.slice(1);
}

/** Formats are dear to make and cheap to use. */
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`;
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(locale(), options);
    formats.set(key, made);
  }
  return made;
}

function relative(numeric: "auto" | "always"): Intl.RelativeTimeFormat {
  return new Intl.RelativeTimeFormat(locale(), { numeric });
}
