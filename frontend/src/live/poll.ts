/** Polls `since`: one tab for all of a browser, at once on focus, slowly while nobody looks. */
import { type Api, ApiError } from "../api/client";
import type { Change, Connection, Feed, Listener } from "./feed";
import { pace } from "./pace";
import type { Tabs } from "./tabs";

const RELOAD_EVERY = 5 * 60_000;
const PAGE = 100;
/** Where more has changed, the list is read anew instead. */
const MOST = 2000;

/** What the tab that polls tells the others. */
export type News = { change: Change } | { connection: Connection } | { reload: true };

export function polling(api: Pick<Api, "list">, tabs: Tabs<News>, doc: Document = document): Feed {
  let hurry = () => {};

  function start(listener: Listener): () => void {
    /** Up to when changes are known here, whichever tab has asked. */
    let since: string | undefined;
    const tell = (news: News) => {
      if ("change" in news) {
        since = news.change.since;
        listener.changed(news.change);
      } else if ("connection" in news) listener.connection(news.connection);
      else listener.reload();
    };
    let activeAt = Date.now();
    const active = () => {
      activeAt = Date.now();
    };

    /** Polls until the signal: this tab is the one that does. */
    async function lead(signal: AbortSignal, tellOthers: (news: News) => void): Promise<void> {
      const tellAll = (news: News) => {
        tell(news);
        tellOthers(news);
      };
      let [failures, okAt, reloadedAt]: [number, number | null, number] = [0, null, Date.now()];
      while (!signal.aborted) {
        try {
          const change = await changes(api, since, signal);
          const isFirst = since === undefined;
          const hadFailed = failures > 0;
          [failures, okAt] = [0, Date.now()];
          tellAll({ connection: { is: "live", since: okAt } });
          if (!isFirst) listener.first?.(change);
          tellAll({ change });
          if (isFirst || hadFailed || okAt - reloadedAt > RELOAD_EVERY) {
            reloadedAt = okAt;
            tellAll({ reload: true });
          }
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          const isRefused = error instanceof ApiError && error.status === 401;
          tellAll({ connection: { is: isRefused ? "signed-out" : "reconnecting", since: okAt } });
        }
        const isVisible = doc.visibilityState === "visible";
        const wait = pace({ isVisible, idleFor: Date.now() - activeAt, failures }, Math.random());
        await sleep(wait, signal, (wake) => {
          hurry = wake;
        });
      }
    }

    const leave = tabs.join(lead, tell);
    const look = () => {
      if (doc.visibilityState !== "visible") return;
      active();
      tabs.claim();
      hurry();
      listener.reload();
    };
    const online = () => hurry();
    doc.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
    addEventListener("online", online);
    addEventListener("keydown", active, { passive: true });
    addEventListener("pointerdown", active, { passive: true });
    return () => {
      leave();
      doc.removeEventListener("visibilitychange", look);
      removeEventListener("focus", look);
      removeEventListener("online", online);
      removeEventListener("keydown", active);
      removeEventListener("pointerdown", active);
    };
  }

  return { start, hurry: () => hurry() };
}

/** What has changed since the mark, on as many pages as it takes; the first time only the count and a mark. */
async function changes(api: Pick<Api, "list">, since: string | undefined, signal: AbortSignal): Promise<Change> {
  const first = await api.list(since === undefined ? { limit: 1 } : { since, limit: PAGE }, signal);
  const conversations = [...first.sessions];
  let cursor = since === undefined ? null : first.cursor;
  while (cursor !== null && since !== undefined && conversations.length < MOST) {
    const next = await api.list({ since, limit: PAGE, cursor }, signal);
    conversations.push(...next.sessions);
    cursor = next.cursor;
  }
  return { conversations, waiting: first.waiting, since: first.since, isCut: cursor !== null };
}

function sleep(milliseconds: number, signal: AbortSignal, waking: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
    waking(end);
  });
}
