/** One row of a history, whatever it is: never blank, and what others wrote is never anything but text. */
import { memo } from "react";
import type { Message } from "../api/types";
import { Icon, type IconName } from "../icon/Icon";
import { t } from "../words";
import { shown } from "./attachment";
import { Cards, Place } from "./Cards";
import type { Context } from "./context";
import { entry, isReadable } from "./fields";
import { Line } from "./Line";
import { Failed, Marks, Time } from "./Marks";
import { Media } from "./Media";
import "./message.css";
import { ALONE, isLine, type Relations } from "./relations";
import { Text } from "./Text";
import { voice } from "./voice";

const VOICES: Record<string, IconName | undefined> = {
  user: "person",
  bot: "bot",
  operator: "operator",
  page_inbox: "inbox",
};

interface Props {
  message: Message;
  context: Context;
  /** What other rows say of this one; see `arrange`. */
  relations?: Relations;
}

export const MessageView = memo(function MessageView({ message, context, relations = ALONE }: Props) {
  if (isLine(message)) return <Line message={message} context={context} />;
  const { author } = message;
  const name = voice(message, context);
  const role = author === "user" ? undefined : t(`message.role.${author as "bot"}`);
  return (
    <div className={`message ${author} ${relations.isJoined ? "joined" : ""}`}>
      <p className={relations.isJoined ? "voice hidden" : "voice"}>
        <Icon name={VOICES[author] ?? "note"} />
        <span dir="auto">{name}</span>
        {role !== undefined && role !== name && <span className="role">{role}</span>}
      </p>
      <div className="bubble">
        {relations.quoted !== undefined && <Quote message={message} quoted={relations.quoted} context={context} />}
        {relations.isDeleted ? (
          <p className="quiet">{t("message.deleted", { who: voice(message, context) })}</p>
        ) : (
          <Content message={message} context={context} edited={relations.edited} />
        )}
      </div>
      {relations.reactions.length > 0 && (
        <ul className="reactions" aria-label={t("message.reactions")}>
          {relations.reactions.map(({ emoji, author }) => (
            <li key={author} className="reaction">
              {isReadable(emoji) ? emoji : "♥"}
              <span className="hidden">{author === "user" ? context.customer : t("message.by.page")}</span>
            </li>
          ))}
        </ul>
      )}
      <p className="foot">
        <Time message={message} context={context} />
        {message.standby && <span>{t("message.standby")}</span>}
        <Marks message={message} context={context} />
      </p>
      <Failed message={message} context={context} />
    </div>
  );
});

/** What was said: the words, the attachments, and how both came about. */
function Content({ message, context, edited }: { message: Message; context: Context; edited: string | undefined }) {
  const { kind, text, attachments } = message;
  const note = entry(NOTES, kind)?.(message) ?? (message.payload === undefined ? undefined : t("message.tapped"));
  const isNothing = text === null && attachments.length === 0 && note === undefined;
  return (
    <>
      {note !== undefined && (
        <p className="note">
          <Icon name={kind === "edit" || kind === "reaction" ? "reply" : "tap"} />
          {note}
        </p>
      )}
      {(edited ?? text) !== null && <Text text={edited ?? text ?? ""} />}
      {edited !== undefined && (
        <details>
          <summary>{t("message.edited")}</summary>
          <Text text={text ?? ""} />
        </details>
      )}
      {attachments.map((attachment, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the attachments of a message never change their places
        <Attached key={at} attachment={attachment} message={message} context={context} />
      ))}
      {isNothing && (
        <p className="quiet">{t(kind === "unsupported" ? "message.unsupported" : "message.nothing", { kind })}</p>
      )}
      {message.cut && <p className="quiet">{t("message.cut")}</p>}
    </>
  );
}

const NOTES: Record<string, ((message: Message) => string) | undefined> = {
  postback: ({ text, payload }) =>
    text !== null || payload === undefined ? t("message.tapped") : t("message.tapped.payload", { payload }),
  reaction: ({ action, text }) =>
    t(action === "unreact" ? "message.reaction.back" : text === null ? "message.reaction.some" : "message.reaction"),
  edit: () => t("message.edit.note"),
  unknown: ({ event }) => t("message.event", { event: event ?? "–" }),
};

function Attached({
  attachment,
  message,
  context,
}: {
  attachment: Message["attachments"][number];
  message: Message;
  context: Context;
}) {
  const what = shown(attachment, message.text);
  if (what.is === "cards") return <Cards shown={what} message={message} context={context} />;
  if (what.is === "place") return <Place place={what} />;
  return <Media media={what} message={message} context={context} />;
}

const QUOTED = 140;

/** What a message answers; a way to it where there is one. */
function Quote({ message, quoted, context }: { message: Message; quoted: Message | null; context: Context }) {
  const mid = message.reply_to ?? "";
  const words =
    quoted === null ? (
      t("message.quote.earlier")
    ) : (
      <>
        <b dir="auto">{voice(quoted, context)}</b> <span dir="auto">{summary(quoted)}</span>
      </>
    );
  return context.onQuote === undefined || quoted === null ? (
    <p className="quote">{words}</p>
  ) : (
    <button type="button" className="quote" onClick={() => context.onQuote?.(mid)}>
      <span className="hidden">{t("message.quote")} </span>
      {words}
    </button>
  );
}

/** A message in a few words. */
export function summary({ text, attachments, kind }: Message): string {
  if (text !== null && isReadable(text)) return text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
  const first = attachments[0];
  if (first === undefined) return t("message.nothing", { kind });
  const what = shown(first, null);
  return what.is === "cards" ? what.label : t(what.is === "place" ? "message.location" : `message.${what.is}`);
}
