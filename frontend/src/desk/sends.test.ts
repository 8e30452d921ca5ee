import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import { asMessage } from "../state/outbox";
import { deskOf, load, SILENT, server, started } from "../test/desk";
import { AT, conversation, message, waiting } from "../test/samples";
import { t } from "../words";
import { createDesk, type Pages } from ".";

const ID = "messenger:100:200";
const refused = new ApiError(400, "bad_request", "Too long.");

describe("sending", () => {
  it("leaves the pause to the server, and looks at what has become of the conversation", async () => {
    const calls = server({ conversation: async () => waiting(AT, { version: 9 }) });
    const desk = deskOf(calls, conversation());
    expect(await desk.send(ID, "Hello")).toBe(true);
    await Promise.resolve();
    expect(calls.asked).toEqual([`send ${ID} Hello`]);
    expect(desk.conversations.get().byId.get(ID)?.status).toBe("paused");
    expect(desk.outbox.get()).toEqual([]);
  });

  it("says which row was the newest before the operator, at the time of writing and of trying again", async () => {
    const calls = server();
    const desk = deskOf(calls, waiting(AT));
    const seen: (string | undefined)[] = [];
    calls.api.send = async (_, { seen_id }) => {
      seen.push(seen_id);
      throw refused;
    };
    const shown = (id: string) => load(desk, ID, message({ id }));
    await desk.send(ID, "Before anything was shown");
    shown("m:1");
    await desk.send(ID, "Hello");
    shown("m:2");
    const [, failed] = desk.outbox.get();
    if (failed) await desk.retry(ID, asMessage(failed, desk.me));
    expect(seen).toEqual([undefined, "m:1", "m:2"]);
  });

  it("shows a refused message as its row, and what a colleague has said", async () => {
    const calls = server();
    const desk = deskOf(calls, waiting(AT));
    load(desk, ID, message({ id: "m:1" }));
    const failure = { code: "someone_answered", message: "Ben has answered meanwhile.", can_retry: true } as const;
    const said = message({ id: "s:ben", author: "operator", text: "Ben here", sent_at: "2026-01-31T12:01:00.000Z" });
    const row = (id: string) =>
      message({ id, author: "operator", state: "refused", failure, sent_at: "2026-01-31T12:02:00.000Z" });
    calls.api.send = async (_, { client_id }) => {
      throw new ApiError(409, failure.code, failure.message, row(`s:${client_id}`), said);
    };
    expect(await desk.send(ID, "Hello")).toBe(false);
    expect(desk.outbox.get()).toEqual([]);
    const [page] = desk.queries.getQueryData<Pages>(["history", ID])?.pages ?? [];
    expect(page?.messages.map((one) => [one.author, one.state])).toEqual([
      ["operator", "refused"],
      ["operator", "delivered"],
      ["user", "delivered"],
    ]);
    expect(desk.toasts.get()[0]?.words).toBe("Not sent to Ana Ito: Ben has answered meanwhile.");
  });

  it("keeps what failed, with the reason, and sends it again under the same id", async () => {
    const calls = server();
    calls.faults.push(refused);
    const desk = deskOf(calls, waiting(AT));
    expect(await desk.send(ID, "Hello")).toBe(false);
    const [failed] = desk.outbox.get();
    expect(failed?.fault).toBe("Too long.");
    if (failed) expect(await desk.retry(ID, asMessage(failed, desk.me))).toBe(true);
    expect(desk.outbox.get()).toEqual([]);
  });

  it("tries again by itself what a server in trouble may still take", async () => {
    const calls = server();
    calls.faults.push(new ApiError(503, "unavailable", "Later."));
    const desk = deskOf(calls, waiting(AT));
    expect(await desk.send(ID, "Hello")).toBe(true);
    expect(calls.asked.filter((what) => what.startsWith("send"))).toHaveLength(2);
  });

  it("sends a long text as several messages, in order", async () => {
    const calls = server();
    await deskOf(calls, waiting(AT)).send(ID, `${"a".repeat(1999)} ${"b".repeat(10)}`);
    const sends = calls.asked.filter((what) => what.startsWith("send"));
    expect(sends.map((what) => what.at(-1))).toEqual(["a", "b"]);
  });

  it("sends no part of a long text before the one that comes before it", async () => {
    const calls = server();
    calls.faults.push(refused);
    const desk = deskOf(calls, waiting(AT));
    expect(await desk.send(ID, `${"a".repeat(1999)} ${"b".repeat(10)}`)).toBe(false);
    expect(calls.asked.filter((what) => what.startsWith("send"))).toHaveLength(1);
    expect(desk.outbox.get().map(({ fault }) => fault)).toEqual(["Too long.", "The part before it was not sent."]);
  });

  it("sends one message after the other in a conversation, however quickly they are written", async () => {
    const calls = server();
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const { send } = calls.api;
    calls.api.send = (id, sending) => {
      asked.push(sending.text);
      return new Promise((give) => answers.push(() => give(send(id, sending))));
    };
    const desk = deskOf(calls, waiting(AT));
    const both = [desk.send(ID, "Hello"), desk.send(ID, "How can I help?")];
    await Promise.resolve();
    expect(asked).toEqual(["Hello"]);
    answers.shift()?.();
    await both[0];
    expect(asked).toEqual(["Hello", "How can I help?"]);
    answers.shift()?.();
    expect(await both[1]).toBe(true);
  });

  it("is taken up where another tab has left it and is gone, and left alone while that may be at it", async () => {
    const calls = server();
    const { desk, feed } = started(calls);
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
    const left = (text: string, at: string) =>
      ({ client_id: text, conversation: ID, text, at, seen: null, fault: null, retry: false }) as const;
    desk.outbox.update(() => [left("stale", ago(3600)), left("old", ago(180)), left("new", ago(10))]);
    feed.reload();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(calls.asked.filter((what) => what.startsWith("send"))).toEqual([`send ${ID} old`]);
    const rest = desk.outbox.get();
    expect(rest.map(({ text, fault }) => [text, fault !== null])).toEqual([
      ["stale", true],
      ["new", false],
    ]);
    // Sent once more by hand it is on its way, however long ago it was written.
    let isHanging = true;
    const { send } = calls.api;
    calls.api.send = (id, sending) => (isHanging ? new Promise(() => {}) : send(id, sending));
    const [stale] = rest;
    if (stale) void desk.retry(ID, asMessage(stale, desk.me));
    feed.reload();
    expect(desk.outbox.get().map(({ text, fault }) => [text, fault])).toContainEqual(["stale", null]);
    isHanging = false;
    const bens = createDesk(calls.api, SILENT, { id: "ben", name: "Ben" }, new QueryClient());
    expect(bens.outbox.get(), "nobody sends what somebody else has written").toEqual([]);
  });

  it("sends nothing by itself once a computer wakes up that slept meanwhile", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const calls = server();
    const asked: string[] = [];
    calls.api.send = async (_, { text }) => {
      asked.push(text);
      await Promise.resolve();
      vi.setSystemTime(Date.now() + 8 * 3_600_000);
      throw new ApiError(0, "no_answer", "The server does not answer.");
    };
    const desk = deskOf(calls, waiting(AT));
    await Promise.all([desk.send(ID, "Good night"), desk.send(ID, "Until tomorrow")]);
    vi.useRealTimers();
    expect(asked).toEqual(["Good night"]);
    expect(desk.outbox.get().map(({ fault }) => fault)).toEqual(Array(2).fill(t("fault.left")));
  });

  it("sends no part before the one that comes before it where another tab has left them, either", async () => {
    const calls = server();
    calls.faults.push(refused);
    const desk = deskOf(calls, waiting(AT));
    const left = (text: string) =>
      ({ client_id: text, conversation: ID, text, at: new Date().toISOString(), seen: null, fault: null }) as const;
    desk.outbox.update(() => [
      { ...left("a"), retry: false },
      { ...left("b"), retry: false },
    ]);
    desk.start(() => {})();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(calls.asked.filter((what) => what.startsWith("send"))).toEqual([`send ${ID} a`]);
    expect(desk.outbox.get().map(({ fault }) => fault)).toEqual(["Too long.", "The part before it was not sent."]);
  });

  it("leaves it to a person to send once more what may have gone out when it was sent again", async () => {
    const calls = server();
    const retries: (boolean | undefined)[] = [];
    const row = { id: "s:a", author: "operator", text: "Hello" } as const;
    const unconfirmed = message({ ...row, state: "unconfirmed" });
    calls.api.send = async (_, { retry }) => {
      retries.push(retry);
      if (retries.length === 1) throw new ApiError(0, "no_answer", "The server does not answer.");
      return unconfirmed;
    };
    const desk = deskOf(calls, waiting(AT));
    await desk.retry(ID, message({ ...row, state: "failed" }));
    expect(retries).toEqual([true, false]);
    desk.outbox.update(() => [
      { client_id: "a", conversation: ID, text: "Hello", at: AT, seen: null, fault: null, retry: true },
    ]);
    desk.start(() => {})();
    await Promise.resolve();
    expect(retries).toEqual([true, false, false]);
  });
});

describe("pause and resume", () => {
  it("can be undone", async () => {
    const calls = server();
    const desk = deskOf(calls, conversation());
    await desk.pause(ID);
    const [toast] = desk.toasts.get();
    expect(toast?.isFault).toBe(false);
    toast?.undo?.();
    await Promise.resolve();
    expect(calls.asked).toEqual([`pause ${ID}`, `resume ${ID}`]);
  });

  it("cannot be undone once somebody else has taken over, and a colleague's pause not at all", async () => {
    const calls = server();
    const desk = deskOf(calls, conversation());
    await desk.pause(ID);
    const [toast] = desk.toasts.get();
    calls.api.conversation = async () => waiting(AT, { version: 9, epoch: 3 });
    await desk.look(ID);
    toast?.undo?.();
    await Promise.resolve();
    expect(calls.asked).toEqual([`pause ${ID}`]);
    expect(desk.toasts.get().at(-1)?.words).toBe("Not undone: it has changed hands since.");

    const by = { type: "operator", id: "ben", name: "Ben" } as const;
    calls.api.pause = async () => waiting(AT, { paused: { since: AT, until: null, by, reason: null } });
    await desk.pause(ID);
    expect(desk.toasts.get().at(-1)?.undo).toBeUndefined();
  });

  it("gives the bot what was held where that is chosen", async () => {
    const calls = server();
    const desk = deskOf(calls, waiting(AT));
    await desk.resume(ID, true);
    expect(calls.asked).toEqual([`resume ${ID} with held`]);
    expect(desk.toasts.get()[0]?.words).toMatch(/answers what it was not given/);
  });

  it("say why they did not happen", async () => {
    const desk = deskOf(server({ resume: () => Promise.reject(refused) }), waiting(AT));
    expect(await desk.resume(ID)).toBe(false);
    expect(desk.toasts.get()[0]).toMatchObject({ isFault: true, words: "Ana Ito: Not handed back: Too long." });
  });
});

describe("a Page that Meta no longer lets send", () => {
  it("is asked for where a message says so, and once one goes out again", async () => {
    const calls = server();
    const broken = await calls.api.send(ID, { client_id: "x", text: "x" });
    const failure = { code: "token_invalid", message: "The token is invalid.", can_retry: true } as const;
    const disconnected = { since: AT, reason: "Make a new token." };
    let isBroken = true;
    calls.api.send = async () => (isBroken ? { ...broken, state: "failed", failure } : broken);
    const desk = deskOf(calls, waiting(AT));
    const page = (is: typeof disconnected | null) =>
      desk.queries.setQueryData(["pages"], { pages: [{ platform: "messenger", id: "100", disconnected: is }] });
    const isAskedFor = () => desk.queries.getQueryState(["pages"])?.isInvalidated;
    page(null);
    await desk.send(ID, "Hello");
    expect(isAskedFor()).toBe(true);
    page(disconnected);
    isBroken = false;
    await desk.send(ID, "Hello");
    expect(isAskedFor()).toBe(true);
    page(null);
    await desk.send(ID, "Hello");
    expect(isAskedFor()).toBe(false);
  });
});
