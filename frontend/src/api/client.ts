/** The only place that fetches. Every call answers data or throws an `ApiError` whose message is for the operator. */
import createClient from "openapi-fetch";
import type { paths } from "./schema";
import type { Conversation, History, Listing, Message, Pages, Problem, Status, Stop } from "./types";

/**
 * `status` is 0 where no answer came at all. `refused` is the message that may not be said, `said` what a colleague has
 * said meanwhile.
 */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly refused?: Message,
    readonly said?: Message,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the same request may succeed later; everything here is safe to repeat. */
  get passes(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

export interface ListQuery {
  status?: Status;
  q?: string;
  since?: string;
  cursor?: string;
  limit?: number;
}

export interface Sending {
  client_id: string;
  text: string;
  /** The newest row that the operator had before them: a colleague who has spoken since comes first. */
  seen_id?: string;
  retry?: boolean;
}

/** What the dashboard asks of the server. */
export interface Api {
  list(query: ListQuery, signal?: AbortSignal): Promise<Listing>;
  conversation(id: string, signal?: AbortSignal): Promise<Conversation>;
  history(id: string, cursor?: string, signal?: AbortSignal): Promise<History>;
  pause(id: string, reason?: string): Promise<Conversation>;
  /** `deliverHeld`: the bot is given what the pause has kept from it, before anything newer. */
  resume(id: string, deliverHeld?: boolean): Promise<Conversation>;
  send(id: string, sending: Sending): Promise<Message>;
  seen(id: string, at?: string): Promise<Conversation>;
  pages(): Promise<Pages>;
  stop(): Promise<Stop>;
  setStop(paused: boolean, reason?: string): Promise<Stop>;
}

interface Options {
  base: string;
  /** The bearer token of whoever is signed in; asked for before each request. */
  token: () => Promise<string | null>;
  /** Called on 401, before the error is thrown. */
  unauthenticated: () => void;
  fetch?: typeof globalThis.fetch;
}

const TIMEOUT_MS = 20_000;

export function createApi({ base, token, unauthenticated, fetch = globalThis.fetch.bind(globalThis) }: Options): Api {
  const client = createClient<paths>({
    baseUrl: base,
    fetch: async (request: Request) => {
      const bearer = await token();
      if (bearer) request.headers.set("Authorization", `Bearer ${bearer}`);
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      return fetch(new Request(request, { signal: AbortSignal.any([request.signal, limit]), cache: "no-store" }));
    },
  });

  async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
    let outcome: { data?: T; error?: unknown; response: Response };
    try {
      outcome = await call;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(0, "no_answer", "The server does not answer. Check your connection.");
    }
    if (outcome.data !== undefined) return outcome.data;
    if (outcome.response.status === 401) unauthenticated();
    throw problem(outcome.response.status, outcome.error);
  }

  const session = (id: string) => ({ path: { session: id } });
  const one = "/botpress-hitl/sessions/{session}" as const;
  const cancel = (signal?: AbortSignal) => (signal ? { signal } : {});

  return {
    list: async (query, signal) =>
      lean(await answer(client.GET("/botpress-hitl/sessions", { params: { query }, ...cancel(signal) }))),
    conversation: (id, signal) => answer(client.GET(one, { params: session(id), ...cancel(signal) })),
    history: (id, cursor, signal) =>
      answer(
        client.GET(`${one}/messages`, {
          params: { ...session(id), query: { limit: 50, ...(cursor ? { cursor } : {}) } },
          ...cancel(signal),
        }),
      ),
    pause: (id, reason) => answer(client.POST(`${one}/pause`, { params: session(id), body: reason ? { reason } : {} })),
    resume: (id, deliverHeld = false) =>
      answer(client.POST(`${one}/unpause`, { params: session(id), body: { deliver_held: deliverHeld } })),
    send: (id, sending) =>
      answer(client.POST(`${one}/messages`, { params: session(id), body: { retry: false, ...sending } })),
    seen: (id, at) => answer(client.POST(`${one}/seen`, { params: session(id), body: at ? { at } : {} })),
    pages: () => answer(client.GET("/botpress-hitl/pages", {})),
    stop: () => answer(client.GET("/botpress-hitl/bot", {})),
    setStop: (paused, reason) =>
      answer(client.PUT("/botpress-hitl/bot", { body: { paused, ...(reason ? { reason } : {}) } })),
  };
}

/**
 * Lists grow to 100,000. That a user's last words are by that user takes memory and says nothing; and most of the times
 * of a conversation are one and the same, which a parser would hold as often as it is said.
 */
function lean(listing: Listing): Listing {
  const times = new Map<string, string>();
  const once = <T extends string | null>(time: T): T => {
    if (time !== null && !times.has(time)) times.set(time, time);
    return time && (times.get(time) as T);
  };
  for (const one of listing.sessions) {
    one.last_activity_at = once(one.last_activity_at);
    one.last_user_message_at = once(one.last_user_message_at);
    one.seen_at = once(one.seen_at);
    one.delivered_at = once(one.delivered_at);
    one.read_at = once(one.read_at);
    const { last_message } = one;
    if (last_message === null) continue;
    last_message.sent_at = once(last_message.sent_at);
    if (last_message.author === "user") last_message.by = null;
  }
  return listing;
}

function problem(status: number, body: unknown): ApiError {
  const { code, message, refused, said } = (typeof body === "object" && body !== null ? body : {}) as Partial<Problem>;
  const words = message ?? `The server answered ${status} without a reason.`;
  return new ApiError(status, code ?? "no_answer", words, refused, said);
}
