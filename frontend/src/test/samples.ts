/** Conversations and messages for tests: complete, with what a test cares about on top. */
import type { Conversation, Listing, Message } from "../api/types";

export const AT = "2026-01-31T12:00:00.000Z";

/** So many minutes after `AT`. */
export function time(minute: number): string {
  return new Date(Date.parse(AT) + minute * 60_000).toISOString();
}

export function conversation(own: Partial<Conversation> = {}): Conversation {
  const userId = own.user_id ?? own.id?.split(":")[2] ?? "200";
  return {
    id: `messenger:100:${userId}`,
    platform: "messenger",
    page_id: "100",
    user_id: userId,
    name: "Ana Ito",
    picture_url: null,
    status: "active",
    epoch: 0,
    version: 1,
    paused: null,
    waiting_since: null,
    last_message: { id: "m:1", author: "user", by: null, text: "Hello", sent_at: AT },
    last_activity_at: AT,
    last_user_message_at: AT,
    window: null,
    last_operator: null,
    unread: false,
    seen_at: null,
    delivered_at: null,
    read_at: null,
    ...own,
  };
}

/** The same conversation, waiting for a person since a time. */
export function waiting(since: string, own: Partial<Conversation> = {}): Conversation {
  const by = { type: "user", id: "", name: "" } as const;
  return conversation({
    status: "paused",
    paused: { since, until: null, by, reason: null },
    waiting_since: since,
    epoch: 1,
    ...own,
  });
}

export function message(own: Partial<Message> = {}): Message {
  return {
    id: "m:1",
    author: "user",
    by: null,
    kind: "text",
    text: "Hello",
    attachments: [],
    sent_at: AT,
    state: "delivered",
    standby: false,
    cut: false,
    mid: "1",
    failure: null,
    ...own,
  };
}

export function listing(sessions: Conversation[], own: Partial<Listing> = {}): Listing {
  return { sessions, cursor: null, since: "2026-01-31T13:00:00.000Z", waiting: 0, ...own };
}
