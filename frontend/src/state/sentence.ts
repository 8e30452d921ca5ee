/** What the header says, in one sentence, and what its one button does. Pure. */
import type { Conversation, Stop } from "../api/types";
import { t } from "../words";
import { rest, span } from "./waits";

export interface Sentence {
  /** Who has the word. */
  voice: "bot" | "operator" | "waiting" | "stopped";
  words: string;
  /** While the bot is silent: when it comes back, where that is known. */
  silent: string | null;
  action: "pause" | "resume";
  /** What sending does to the bot, above the composer. */
  sending: string;
}

export function sentence(conversation: Conversation, me: string, stop: Stop | undefined, now: number): Sentence {
  if (conversation.status === "active") {
    return stop?.paused
      ? {
          voice: "stopped",
          words: t("says.stopped"),
          silent: null,
          action: "pause",
          sending: t("sending.stopped"),
        }
      : { voice: "bot", words: t("says.bot"), silent: null, action: "pause", sending: t("sending.bot") };
  }
  const until = conversation.paused?.until;
  return {
    voice: conversation.waiting_since !== null ? "waiting" : "operator",
    words: who(conversation, me, now),
    silent: until ? t("says.back", { time: rest(Date.parse(until) - now) }) : t("says.silent"),
    action: "resume",
    sending: t("sending.paused"),
  };
}

function who({ waiting_since, last_operator, last_message, paused }: Conversation, me: string, now: number): string {
  if (waiting_since !== null) {
    const waited = now - Date.parse(waiting_since);
    return waited < 60_000 ? t("says.waits.now") : t("says.waits", { time: span(waited) });
  }
  const isOfInbox = last_message?.author === "page_inbox" && last_message.sent_at > (last_operator?.at ?? "");
  if (isOfInbox) return t("says.inbox");
  const answered = last_operator !== null && paused !== null && last_operator.at >= paused.since;
  if (!answered) return t("says.paused");
  return last_operator.id === me ? t("says.you") : t("says.other", { name: last_operator.name || t("some.operator") });
}
