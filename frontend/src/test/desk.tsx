/** A desk with a server that tests write by hand. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import type { Api } from "../api/client";
import type { Conversation, Message } from "../api/types";
import { createDesk, type Desk, DeskProvider, type Pages } from "../desk";
import type { Feed, Listener } from "../live/feed";
import { learn } from "../state/conversations";
import { AT, conversation, listing, message, waiting } from "./samples";

export interface Server {
  api: Api;
  /** What was asked for, in order: `pause messenger:1:2`. */
  asked: string[];
  /** What the next sends are answered with, in place of success. */
  faults: Error[];
}

export function server(own: Partial<Api> = {}): Server {
  const asked: string[] = [];
  const faults: Error[] = [];
  const note = <T,>(what: string, answer: T): Promise<T> => {
    asked.push(what);
    const fault = what.startsWith("send") ? faults.shift() : undefined;
    return fault === undefined ? Promise.resolve(answer) : Promise.reject(fault);
  };
  const by = { type: "operator", id: "ana", name: "Ana" } as const;
  const paused = { since: AT, until: null, by, reason: null };
  const of = (id: string, own: Partial<Conversation> = {}) => conversation({ id, version: 5, ...own });
  const api: Api = {
    list: () => note("list", listing([])),
    conversation: (id) => note(`look ${id}`, of(id)),
    history: (id) => note(`history ${id}`, { messages: [], cursor: null }),
    pause: (id) => note(`pause ${id}`, waiting(AT, { id, version: 6, paused })),
    resume: (id, deliverHeld) => note(`resume ${id}${deliverHeld ? " with held" : ""}`, of(id, { version: 7 })),
    send: (id, { client_id, text, retry }) => note(`send ${id} ${text}${retry ? " again" : ""}`, sent(client_id, text)),
    seen: (id) => note(`seen ${id}`, of(id)),
    pages: () => note("pages", { pages: [] }),
    stop: () => note("stop", { paused: false, reason: null, by: null, since: null }),
    setStop: (paused) => note(`stop ${paused}`, { paused, reason: null, by: null, since: null }),
    ...own,
  };
  return { api, asked, faults };
}

function sent(clientId: string, text: string): Message {
  return message({ id: `s:${clientId}`, author: "operator", text, state: "sent", mid: `mid.${clientId}` });
}

/** A feed that tells of nothing. */
export const SILENT: Feed = { start: () => () => {}, hurry: () => {} };

export function deskOf({ api }: Server, ...known: Conversation[]): Desk {
  localStorage.clear();
  return deskWith(api, SILENT, known);
}

/** A desk that has started, and what its feed tells: whatever a test says. */
export function started({ api }: Server, ...known: Conversation[]): { desk: Desk; feed: Listener; end: () => void } {
  localStorage.clear();
  let feed: Listener | undefined;
  const start = (listener: Listener) => {
    feed = listener;
    return () => {};
  };
  const desk = deskWith(api, { ...SILENT, start }, known);
  const end = desk.start(() => {});
  return { desk, feed: feed as unknown as Listener, end };
}

function deskWith(api: Api, feed: Feed, known: readonly Conversation[]): Desk {
  const desk = createDesk(api, feed, { id: "ana", name: "Ana" }, new QueryClient());
  desk.conversations.update((state) => learn(state, known));
  return desk;
}

/** Has the history of a conversation loaded: all of it, newest first. */
export function load(desk: Desk, id: string, ...messages: Message[]): void {
  const pages: Pages = { pages: [{ messages, cursor: null }], pageParams: [undefined] };
  desk.queries.setQueryData(["history", id], pages);
}

export function show(desk: Desk, children: ReactNode) {
  return render(<Around desk={desk}>{children}</Around>);
}

/** What every view finds around it. */
export function Around({ desk, children }: { desk: Desk; children: ReactNode }) {
  return (
    <QueryClientProvider client={desk.queries}>
      <DeskProvider value={desk}>{children}</DeskProvider>
    </QueryClientProvider>
  );
}
