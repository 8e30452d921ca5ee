import { memo } from "react";
import type { Conversation, Status } from "../api/types";
import { useNow } from "../clock";
import { useDesk } from "../desk";
import { entry } from "../message/fields";
import { shortTime } from "../message/times";
import { format, go } from "../place";
import { useCell } from "../state/cell";
import { drafts } from "../state/drafts";
import { type Key, t } from "../words";
import { Avatar } from "./Avatar";
import { customerOf } from "./customer";
import { Voice } from "./Voice";

interface Props {
  id: string;
  status: Status;
  q: string;
  isOpen: boolean;
}

/** Who, their last words, and how long they have waited. Subscribes to its own conversation only. */
export const Row = memo(function Row({ id, status, q, isOpen }: Props) {
  const conversation = useCell(useDesk().conversations, (state) => state.byId.get(id));
  const draft = useCell(drafts, (all) => all[id]);
  if (conversation === undefined) return null;
  const { last_message, unread } = conversation;
  const customer = customerOf(conversation);
  const open = { status, q, conversation: id, message: null };
  return (
    <a
      className={`row ${unread ? "unread" : ""}`}
      href={format(open)}
      aria-current={isOpen ? "true" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(open);
      }}
    >
      <Avatar id={id} name={conversation.name} url={conversation.picture_url} />
      <span className="top">
        <span className="who" dir="auto">
          {customer}
          {unread && <span className="hidden"> {t("row.unread")}</span>}
        </span>
        <When conversation={conversation} />
      </span>
      <span className="below">
        <span className="said" dir="auto">
          {draft !== undefined ? (
            <>
              <em>{t("row.draft")}</em> {draft}
            </>
          ) : (
            last_message !== null && (
              <>
                {last_message.author !== "user" && (
                  <span className={`by ${last_message.author}`}>{whose(conversation)} </span>
                )}
                {spoken(last_message.text)}
              </>
            )
          )}
        </span>
        <Voice conversation={conversation} />
      </span>
    </a>
  );
});

function When({ conversation }: { conversation: Conversation }) {
  const at = conversation.last_message?.sent_at ?? conversation.last_activity_at;
  const words = useNow((now) => shortTime(at, now));
  return <time dateTime={at}>{words}</time>;
}

const KINDS: Record<string, Key> = {
  account_linking: "row.account",
  attachment: "message.attachment",
  audio: "message.audio",
  deleted: "row.deleted",
  edit: "row.edited",
  file: "message.file",
  image: "message.image",
  location: "message.location",
  optin: "row.optin",
  postback: "message.tapped",
  reaction: "message.reaction",
  referral: "row.referral",
  sticker: "message.sticker",
  template: "row.template",
  unsupported: "message.unsupported",
  video: "message.video",
};

/** What has no words of its own comes as its kind in brackets. */
function spoken(text: string): string {
  const words = entry(KINDS, /^\[(\w+)\]$/.exec(text)?.[1] ?? "");
  return words === undefined ? text : t(words);
}

function whose({ last_message }: Conversation): string {
  const { author, by } = last_message ?? {};
  if (author === "bot") return t("row.by.bot");
  if (author === "operator") return `${by?.name || t("row.by.operator")}:`;
  return author === "page_inbox" ? t("row.by.inbox") : "";
}
