import { locale } from "../words";

/** The time of day for today, the weekday for this week, else the date; as short as a row needs it. */
export function shortTime(at: string, now: number): string {
  const time = new Date(at);
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days <= 0) return made("time", { hour: "numeric", minute: "2-digit" }).format(time);
  if (days < 7) return made("day", { weekday: "short" }).format(time);
  return made("date", { day: "numeric", month: "short" }).format(time);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function made(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  formats.set(key, format);
  return format;
}
