/** Whether Meta still lets a person answer, in words, before anything is sent. Pure. */
import type { Conversation } from "../api/types";
import { dayAndClock } from "../message/times";
import { t } from "../words";
import { rest } from "./waits";

export interface ReplyWindow {
  isClosed: boolean;
  /** Little is left, or only a person's own answer may go out. */
  isUrgent: boolean;
  /** What is left, in a few words; null where nothing is known of it. */
  left: string | null;
  /** What the operator must know before they write; null on a usual day. */
  hint: string | null;
}

const SHORT_MS = 3_600_000;

export function replyWindow({ window }: Conversation, customer: string, now: number): ReplyWindow {
  if (window === null) return { isClosed: false, isUrgent: false, left: null, hint: null };
  const time = dayAndClock(window.until, now);
  const left = Date.parse(window.until) - now;
  if (window.type === "closed" || left <= 0) {
    return { isClosed: true, isUrgent: true, left: null, hint: t("window.closed", { customer, time }) };
  }
  const isAgents = window.type === "human_agent";
  return {
    isClosed: false,
    isUrgent: isAgents || left < SHORT_MS,
    left: t("window.left", { time: rest(left) }),
    hint: isAgents ? t("window.agent", { customer }) : null,
  };
}
