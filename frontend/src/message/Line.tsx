import type { Message } from "../api/types";
import { Icon, type IconName } from "../icon/Icon";
import { type Key, t } from "../words";
import type { Context } from "./context";
import { entry, isReadable } from "./fields";
import { Time } from "./Marks";
import { actor, type Viewer } from "./voice";

/** A line about the conversation: paused by Ana, came in by an ad, took a message back. */
export function Line({ message, context }: { message: Message; context: Context }) {
  const { text } = message;
  return (
    <div className={`line ${message.kind}`}>
      <Icon name={entry(ICONS, message.kind) ?? "note"} />
      <p dir="auto">
        {wordsOf(message, context)}
        {text !== null && isReadable(text) && SAYS_WHY.has(message.kind) && <q>{text}</q>}
      </p>
      <Time message={message} context={context} />
    </div>
  );
}

const ICONS: Record<string, IconName> = { paused: "pause", resumed: "bot", policy: "alert" };

/** Kinds whose text is a reason or somebody's own words, beside what we say of them. */
const SAYS_WHY = new Set(["paused", "resumed", "policy", "edit"]);

/** What such a line says. */
export function wordsOf(message: Message, context: Viewer): string {
  const who = actor(message, context);
  const values = {
    who,
    customer: context.customer,
    action: message.action ?? "–",
    ref: message.ref ?? message.metadata ?? "",
    source: message.source ?? "",
  };
  switch (message.kind) {
    case "paused":
      return t("message.paused", values);
    case "resumed":
      return t("message.resumed", values);
    case "deleted":
      return t("message.deleted.line", values);
    case "handover":
      return joined(t(entry(HANDOVERS, message.action ?? "") ?? "message.handover", values), message.metadata);
    case "policy":
      return t(entry(POLICIES, message.action ?? "") ?? "message.policy", values);
    case "referral":
      return joined(t("message.referral", values), message.source, message.ref);
    case "optin":
      return joined(t("message.optin", values), message.ref);
    case "account_linking":
      return t(message.status === "unlinked" ? "message.account.unlinked" : "message.account.linked", values);
    case "reaction":
      return message.action === "unreact"
        ? t("message.reaction.back", values)
        : joined(t("message.reaction.line", values), message.emoji ?? message.text);
    case "edit":
      return t("message.edit.line", values);
    case "postback":
      return joined(t("message.tapped", values), message.title);
    default:
      return message.event === undefined
        ? joined(t("message.event", { event: message.kind }), message.text)
        : t("message.event", { event: message.event });
  }
}

const HANDOVERS: Record<string, Key | undefined> = {
  pass_thread_control: "message.handover.pass",
  take_thread_control: "message.handover.take",
  request_thread_control: "message.handover.request",
  app_roles: "message.handover.roles",
};

const POLICIES: Record<string, Key | undefined> = {
  warning: "message.policy.warning",
  block: "message.policy.block",
  unblock: "message.policy.unblock",
};

function joined(...parts: (string | null | undefined)[]): string {
  return parts.filter((part) => typeof part === "string" && isReadable(part)).join(" · ");
}
