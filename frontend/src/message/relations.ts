/** What the rows of a history have to do with each other: reactions, edits, quotes, what was taken back. Pure. */
import type { Author, Message } from "../api/types";

export interface Reaction {
  emoji: string;
  author: Author;
}

/** What other rows say of a row. */
export interface Relations {
  /** What it answers: a row, or null where that is not loaded or taken back; undefined where it answers nothing. */
  quoted: Message | null | undefined;
  reactions: readonly Reaction[];
  /** The newest text, where it was edited. */
  edited: string | undefined;
  isDeleted: boolean;
  /** Whether it goes on from the row above: the same voice, on the same day, within five minutes. */
  isJoined: boolean;
}

export interface Row {
  message: Message;
  relations: Relations;
}

/** Of a row that stands alone. */
export const ALONE: Relations = {
  quoted: undefined,
  reactions: [],
  edited: undefined,
  isDeleted: false,
  isJoined: false,
};

const JOINED_WITHIN = 5 * 60_000;
const ATTACHED = new Set(["reaction", "edit", "deleted"]);
const SYSTEM = new Set(["paused", "resumed", "handover", "policy", "referral", "optin", "account_linking", "deleted"]);

/** Whether it is a line about the conversation rather than something that somebody said. */
export function isLine(message: Message): boolean {
  return message.author === "system" || SYSTEM.has(message.kind);
}

/**
 * The rows to show of a history, oldest first as it is given. Reactions, edits and deletions of a row that is loaded
 * become part of it and are no rows of their own. `known` are rows of an earlier call: those that did not change are
 * the same objects again, so that what shows them is not rendered anew.
 */
export function arrange(messages: readonly Message[], known: ReadonlyMap<string, Row> = new Map()): Row[] {
  const byMid = new Map<string, Message>();
  for (const message of messages) if (message.mid !== null && !isAbout(message)) byMid.set(message.mid, message);
  const about = gathered(messages, byMid);
  const quotedBy = ({ reply_to: mid }: Message) => {
    if (mid === undefined) return undefined;
    return about.get(mid)?.isDeleted ? null : (byMid.get(mid) ?? null);
  };
  const rows: Row[] = [];
  for (const message of messages) {
    if (isAbout(message) && byMid.has(message.target ?? "")) continue;
    const said = message.mid === null ? undefined : about.get(message.mid);
    const relations: Relations = {
      quoted: quotedBy(message),
      reactions: said === undefined || said.reactions.size === 0 ? ALONE.reactions : [...said.reactions.values()],
      edited: said?.edited,
      isDeleted: said?.isDeleted ?? false,
      isJoined: isJoined(rows.at(-1)?.message, message),
    };
    const old = known.get(message.id);
    const isKnown = old !== undefined && isSame(old.relations, relations);
    rows.push(isKnown && old.message === message ? old : { message, relations: isKnown ? old.relations : relations });
  }
  return rows;
}

interface About {
  reactions: Map<Author, Reaction>;
  edited: string | undefined;
  isDeleted: boolean;
}

function gathered(messages: readonly Message[], byMid: ReadonlyMap<string, Message>): Map<string, About> {
  const about = new Map<string, About>();
  for (const message of messages) {
    if (!isAbout(message) || message.target === undefined || !byMid.has(message.target)) continue;
    const said = about.get(message.target) ?? { reactions: new Map(), edited: undefined, isDeleted: false };
    about.set(message.target, said);
    if (message.kind === "deleted") said.isDeleted = true;
    else if (message.kind === "edit") said.edited = message.text ?? said.edited;
    else if (message.action === "unreact") said.reactions.delete(message.author);
    else said.reactions.set(message.author, { emoji: message.emoji ?? message.text ?? "", author: message.author });
  }
  return about;
}

function isAbout(message: Message): boolean {
  return ATTACHED.has(message.kind);
}

function isJoined(above: Message | undefined, message: Message): boolean {
  if (above === undefined || isLine(above) || isLine(message)) return false;
  const isSameVoice = above.author === message.author && above.by?.id === message.by?.id;
  const [before, after] = [new Date(above.sent_at), new Date(message.sent_at)];
  const isSoon = after.getTime() - before.getTime() < JOINED_WITHIN;
  return isSameVoice && isSoon && before.toDateString() === after.toDateString();
}

function isSame(one: Relations, other: Relations): boolean {
  return (
    one.quoted === other.quoted &&
    one.edited === other.edited &&
    one.isDeleted === other.isDeleted &&
    one.isJoined === other.isJoined &&
    one.reactions.length === other.reactions.length &&
    one.reactions.every(({ emoji, author }, at) => {
      const reaction = other.reactions[at];
      return emoji === reaction?.emoji && author === reaction.author;
    })
  );
}

/** A row's state after watermarks that are newer than it: what the user's device has, and what was read. */
export function stateAt(message: Message, deliveredAt: string | null, readAt: string | null): Message["state"] {
  if (message.author === "user" || (message.state !== "sent" && message.state !== "delivered")) return message.state;
  if (readAt !== null && message.sent_at <= readAt) return "read";
  return deliveredAt !== null && message.sent_at <= deliveredAt ? "delivered" : message.state;
}
