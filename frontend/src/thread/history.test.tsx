import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import type { History, Message } from "../api/types";
import { Around, deskOf, server } from "../test/desk";
import { message, time, waiting } from "../test/samples";
import { discarded, useRows } from "./history";

const ID = "messenger:100:200";
const said = (minute: number, own: Partial<Message> = {}) =>
  message({ id: `m:${minute}`, mid: `${minute}`, sent_at: time(minute), ...own });
const sent = (clientId: string, minute: number) =>
  message({ id: `s:${clientId}`, mid: "own", author: "operator", state: "sent", sent_at: time(minute) });

/** An open thread whose reads are answered by the test, in whatever order. */
function opened() {
  const reads: { cursor: string | undefined; answer: (history: History) => void; fail: (error: Error) => void }[] = [];
  const history = (_: string, cursor?: string) =>
    new Promise<History>((answer, fail) => reads.push({ cursor, answer, fail }));
  const send = async (_: string, { client_id }: { client_id: string }) => sent(client_id, 50);
  const desk = deskOf(server({ history, send, conversation: async () => waiting(time(0)) }), waiting(time(0)));
  const wrapper = ({ children }: { children: ReactNode }) => <Around desk={desk}>{children}</Around>;
  const { result } = renderHook(() => useRows(ID), { wrapper });
  const read = async () => {
    await waitFor(() => expect(reads.length).toBeGreaterThan(0), { timeout: 3000 });
    return reads.shift() as (typeof reads)[number];
  };
  const answer = async (messages: Message[], cursor: string | null = null) => {
    const { answer } = await read();
    await act(async () => answer({ messages, cursor }));
  };
  const shown = () => result.current.rows.map((row) => row.message.id.slice(0, 4));
  const states = () => result.current.rows.map((row) => row.message.state);
  return { desk, read, answer, shown, states, older: () => act(async () => void result.current.query.fetchNextPage()) };
}

describe("an open thread", () => {
  it("keeps what came while an older page was on its way", async () => {
    const { desk, answer, read, shown, older } = opened();
    await answer([said(2)], "older");
    await older();
    const page = await read();
    void desk.freshen(ID);
    await answer([said(3), said(2)], "older");
    await act(async () => page.answer({ messages: [said(1)], cursor: null }));
    await waitFor(() => expect(shown()).toEqual(["m:1", "m:2", "m:3"]));
  });

  it("shows what was sent before it was there to be read", async () => {
    const { desk, answer, shown } = opened();
    await act(() => desk.send(ID, "Hello"));
    await answer([said(1)]);
    await waitFor(() => expect(shown()).toHaveLength(2));
    expect(desk.outbox.get()).toEqual([]);
  });

  it("shows what came before the first of it was there", async () => {
    const { desk, answer, shown } = opened();
    void desk.freshen(ID);
    await answer([said(1)]);
    await answer([said(2), said(1)]);
    await waitFor(() => expect(shown()).toEqual(["m:1", "m:2"]));
  });

  it("reads on from what was sent to what was known before it", async () => {
    const { desk, answer, read, shown } = opened();
    await answer([said(1)]);
    await act(() => desk.send(ID, "Hello"));
    const own = desk.queries.getQueryData<{ pages: History[] }>(["history", ID])?.pages[0]?.messages[0] as Message;
    void desk.freshen(ID);
    await answer([own, said(4), said(3)], "older");
    const next = await read();
    expect(next.cursor).toBe("older");
    await act(async () => next.answer({ messages: [said(2), said(1)], cursor: null }));
    await waitFor(() => expect(shown()).toEqual(["m:1", "m:2", "m:3", "m:4", own.id.slice(0, 4)]));
  });

  it("shows what was put away as not sent and went out after all", async () => {
    const { answer, shown } = opened();
    discarded.update(() => ["s:a", "s:b"]);
    await answer([sent("b", 2), { ...sent("a", 1), state: "failed" }]);
    await waitFor(() => expect(shown()).toEqual(["s:b"]));
    discarded.update(() => []);
  });

  it("believes the log that something went out, whose answer was lost before a reload", async () => {
    const { desk, answer, states } = opened();
    const left = { conversation: ID, text: "Hello", at: time(1), seen: null, fault: "No answer.", retry: false };
    desk.outbox.update(() => ["a", "b"].map((client_id) => ({ ...left, client_id })));
    await answer([{ ...sent("b", 2), state: "failed" }, sent("a", 1)]);
    await waitFor(() => expect(states()).toEqual(["sent", "failed"]));
  });

  it("asks again for what has come where the server was in trouble", async () => {
    const { desk, answer, read, shown } = opened();
    await answer([said(1)]);
    void desk.freshen(ID);
    (await read()).fail(new ApiError(503, "unavailable", "Later."));
    await answer([said(2), said(1)]);
    await waitFor(() => expect(shown()).toEqual(["m:1", "m:2"]));
  });
});
