/** How long something takes, in words, and how strongly a wait asks for attention. Pure. */
import { t } from "../words";

const FEW_HOURS = 3;

/** Whole minutes, hours (with minutes while they are few), or days; never below zero. */
export function span(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 1) return t("span.now");
  if (minutes < 60) return t("span.minutes", { minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < FEW_HOURS) return t("span.hours", { hours, minutes: minutes % 60 });
  if (hours < 24) return t("span.many-hours", { hours });
  return t("span.days", { count: Math.floor(hours / 24) });
}

/** What is left until something ends. */
export function rest(milliseconds: number): string {
  return milliseconds < 60_000 ? t("span.soon") : span(milliseconds);
}

/** From 0, just come, to 3, far too long. */
export function urgency(milliseconds: number): 0 | 1 | 2 | 3 {
  const minutes = milliseconds / 60_000;
  return minutes < 2 ? 0 : minutes < 10 ? 1 : minutes < 30 ? 2 : 3;
}
