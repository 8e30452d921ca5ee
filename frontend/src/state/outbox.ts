/**
 * What was sent and is not in the history yet. Pure.
 *
 * It is kept until its row has come, so that no reload loses it: repeating a send with the same client id sends
 * nothing twice.
 */
import * as v from "valibot";
import type { Actor, Message } from "../api/types";

const Sending = v.object({
  client_id: v.string(),
  conversation: v.string(),
  text: v.string(),
  at: v.string(),
  /** The newest row that the operator had before them; a colleague's answer after it comes first. */
  seen: v.nullable(v.string()),
  /** Why it did not go out, in words; null while it is being sent. */
  fault: v.nullable(v.string()),
  retry: v.boolean(),
});
export type Sending = v.InferOutput<typeof Sending>;
export type Outbox = readonly Sending[];

export const OutboxShape = v.array(Sending);

export function add(outbox: Outbox, sending: Sending): Outbox {
  return [...without(outbox, sending.client_id), sending];
}

export function failed(outbox: Outbox, clientId: string, fault: string): Outbox {
  return outbox.map((one) => (one.client_id === clientId ? { ...one, fault } : one));
}

export function without(outbox: Outbox, clientId: string): Outbox {
  return outbox.filter((one) => one.client_id !== clientId);
}

/** Without those whose rows are these: what is in the history needs no place here. */
export function settled(outbox: Outbox, rows: readonly Message[]): Outbox {
  const ids = new Set(rows.map((row) => row.id));
  const left = outbox.filter((one) => !ids.has(rowId(one.client_id)));
  return left.length === outbox.length ? outbox : left;
}

/** Whether this row says what became of an earlier try, and is being sent again: Meta has not answered anew. */
export function isBeingRetried(outbox: Outbox, { id, state }: Message): boolean {
  const sending = outbox.find((one) => rowId(one.client_id) === id);
  const isOld = state === "failed" || state === "refused" || state === "unconfirmed";
  return isOld && sending?.retry === true && sending.fault === null;
}

/** The row that the server will make of it, as far as it can be told. */
export function asMessage(sending: Sending, by: Actor): Message {
  const { client_id, text, at, fault } = sending;
  return {
    id: rowId(client_id),
    author: "operator",
    by,
    kind: "text",
    text,
    attachments: [],
    sent_at: at,
    state: fault === null ? "queued" : "failed",
    standby: false,
    cut: false,
    mid: null,
    failure: fault === null ? null : { code: "transient", message: fault, can_retry: true },
  };
}

export function rowId(clientId: string): string {
  return `s:${clientId}`;
}

/** Of a row that was sent through the API; null of any other. */
export function clientIdOf(message: Message): string | null {
  return message.id.startsWith("s:") ? message.id.slice(2) : null;
}

/** As many characters as Meta takes in a message. */
export const LONGEST = 2000;

/** A text as messages of at most 2,000 characters, cut between paragraphs, sentences or words where that is possible. */
export function split(text: string, longest = LONGEST): string[] {
  const parts: string[] = [];
  let left = text.trim();
  while (left.length > longest) {
    const head = left.slice(0, longest + 1);
    const at = [/\n\s*\n(?!.*\n\s*\n)/s, /[.!?…]\s(?!.*[.!?…]\s)/s, /\s(?!.*\s)/s]
      .map((last) => head.search(last))
      .find((at) => at >= longest / 2);
    const isWhole = at === undefined && isSurrogate(left.charCodeAt(longest - 1));
    const end = at === undefined ? (isWhole ? longest - 1 : longest) : at + 1;
    parts.push(left.slice(0, end).trim());
    left = left.slice(end).trim();
  }
  return left === "" ? parts : [...parts, left];
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}
