import { expect, it, vi } from "vitest";
import type { Api } from "../api/client";
import type { Conversation, History, Message } from "../api/types";
import { now as clock, setBy } from "../clock";
import { viewKey } from "../state/conversations";
import { deskOf, load, server, started } from "../test/desk";
import { AT, conversation, listing, message, waiting } from "../test/samples";
import type { Pages } from ".";

const ID = "messenger:100:200";
const LATER = "2026-01-31T12:00:02.000Z";
const m1 = message({ id: "m:1", sent_at: AT });
const m2 = message({ id: "m:2", sent_at: LATER });
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

it.each(["seen", "send", "list"])("shows in an open thread what came between a poll and %s", async (what) => {
  // The user's second message has come since the last poll: whatever answers from now on knows of it.
  const now: Conversation = waiting(AT, { id: ID, version: 7, unread: true, last_activity_at: LATER });
  const calls = server({
    conversation: async () => now,
    seen: async () => now,
    list: async () => listing([now]),
    history: async () => ({ messages: [m2, m1], cursor: null }),
  });
  const before = waiting(AT, { id: ID, version: 5, unread: true, last_activity_at: AT });
  const { desk, feed } = started(calls, before);
  load(desk, ID, m1);
  if (what === "seen") await desk.seen(ID);
  else if (what === "send") await desk.send(ID, "Hello");
  else await desk.load("waiting", "");
  await settled();
  feed.changed({ conversations: [now], waiting: 1, since: LATER });
  await settled();
  const shown = desk.queries.getQueryData<Pages>(["history", ID])?.pages.flatMap((page) => page.messages) ?? [];
  expect(shown.map((one) => one.id)).toContain("m:2");
});

it("begins the list anew where more has changed than a poll has told", async () => {
  const [old, come, told] = ["1", "2", "3"].map((user_id) => conversation({ user_id, last_activity_at: LATER }));
  const pages = [
    listing([old as Conversation], { cursor: "c" }),
    listing([told as Conversation, come as Conversation]),
  ];
  const calls = server({ list: async () => pages.shift() ?? listing([]) });
  const { desk, feed } = started(calls);
  await desk.load("all", "");
  feed.changed({ conversations: [told as Conversation], waiting: 0, since: LATER, isCut: true });
  await settled();
  const ids = desk.conversations.get().views.get(viewKey("all", ""))?.ids ?? [];
  expect(ids.map((id) => id.split(":")[2])).toEqual(["3", "2"]);
});

it("reads the head of the list anew, though more of it is on its way just then", async () => {
  const asked: (string | undefined)[] = [];
  const answers: ((cursor: string | null) => void)[] = [];
  const list: Api["list"] = ({ cursor }) => {
    asked.push(cursor);
    return new Promise((give) => answers.push((cursor) => give(listing([], { cursor }))));
  };
  const desk = deskOf(server({ list }));
  const first = desk.load("all", "");
  void desk.load("all", "");
  answers.shift()?.("c");
  await first;
  const more = desk.loadMore("all", "");
  void desk.load("all", "");
  answers.shift()?.(null);
  answers.length = 0;
  await Promise.race([more, settled()]);
  expect(asked).toEqual([undefined, "c", undefined]);
});

it("shows that a message was held, which it was a moment after it came", async () => {
  vi.useFakeTimers();
  let [state, reads]: [Message["state"], number] = ["received", 0];
  const history = async () => {
    reads += 1;
    return { messages: [message({ id: "m:2", state }), m1], cursor: null };
  };
  const desk = deskOf(server({ history }), waiting(AT, { id: ID }));
  load(desk, ID, m1);
  const shown = () => desk.queries.getQueryData<Pages>(["history", ID])?.pages[0]?.messages[0]?.state;
  await desk.freshen(ID);
  expect(shown()).toBe("received");
  state = "held";
  await vi.advanceTimersByTimeAsync(60_000);
  expect(shown()).toBe("held");
  expect(reads).toBe(2);
  vi.useRealTimers();
});

it.each(["list", "poll"])("ends no pause before the server does, by whose time a %s was answered", async (what) => {
  const theirs = Date.now() - 3_600_000;
  const after = (minutes: number) => new Date(theirs + minutes * 60_000).toISOString();
  const by = { type: "bot", id: "", name: "" } as const;
  const lasting = waiting(after(-5), { id: ID, paused: { since: after(-5), until: after(10), by, reason: null } });
  const since = new Date(theirs - 10_000).toISOString();
  const calls = server({ list: async () => listing([lasting], { since }) });
  const { desk, feed, end } = started(calls);
  if (what === "list") await desk.load("all", "");
  else feed.changed({ conversations: [lasting], waiting: 1, since });
  clock.update((at) => at + 1);
  expect(desk.conversations.get().byId.get(ID)?.status).toBe("paused");
  end();
  setBy(new Date().toISOString());
});

const failure = { code: "rate_limited", message: "Too many calls.", can_retry: true } as const;

it.each([
  { state: "failed", failure },
  { state: "unconfirmed", failure: null },
] as const)(
  "shows a retry as being sent until it is answered, and its answer ever after, whatever was read meanwhile",
  async (before) => {
    const row = { id: "s:a", mid: null, author: "operator", text: "Hello", sent_at: LATER } as const;
    const failed = message({ ...row, ...before });
    const sent = message({ ...row, state: "sent" });
    const reads: ((messages: Message[]) => void)[] = [];
    const history = () => new Promise<History>((give) => reads.push((messages) => give({ messages, cursor: null })));
    let answer: (message: Message) => void = () => {};
    const desk = deskOf(
      server({ history, send: () => new Promise((give) => (answer = give)) }),
      waiting(AT, { id: ID }),
    );
    load(desk, ID, failed, m1);
    const shown = () => desk.queries.getQueryData<Pages>(["history", ID])?.pages[0]?.messages[0];

    const retried = desk.retry(ID, failed);
    void desk.freshen(ID);
    reads.shift()?.([failed, m1]);
    await settled();
    expect(desk.outbox.get()).toHaveLength(1);

    void desk.freshen(ID);
    answer(sent);
    expect(await retried).toBe(true);
    expect(desk.outbox.get()).toEqual([]);
    reads.shift()?.([failed, m1]);
    await settled();
    reads.shift()?.([sent, m1]);
    await settled();
    expect(shown()?.state).toBe("sent");
  },
);
