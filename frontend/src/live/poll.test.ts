import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import type { Listing } from "../api/types";
import { conversation, listing } from "../test/samples";
import type { Change, Connection } from "./feed";
import { type News, polling } from "./poll";
import type { Tabs } from "./tabs";

/** One tab, which always leads. */
const oneTab: Tabs<News> = {
  join(lead) {
    const left = new AbortController();
    void lead(left.signal, () => {});
    return () => left.abort();
  },
  claim() {},
};

type Answer = Listing | ApiError;

function started(answers: Answer[]) {
  const asked: { since?: string; cursor?: string }[] = [];
  const heard: { changes: Change[]; connections: Connection["is"][]; calls: number; reloads: number } = {
    changes: [],
    connections: [],
    calls: 0,
    reloads: 0,
  };
  const api = {
    list: async (query: { since?: string; cursor?: string }) => {
      asked.push(query);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof ApiError) throw answer;
      return answer as Listing;
    },
  };
  const feed = polling(api, oneTab);
  const end = feed.start({
    changed: (change) => heard.changes.push(change),
    connection: ({ is }) => heard.connections.push(is),
    reload: () => {
      heard.reloads += 1;
    },
    first: () => {
      heard.calls += 1;
    },
  });
  return { asked, heard, feed, end };
}

describe("polling", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("begins with a mark and asks from it on", async () => {
    const { asked, heard, end } = started([
      listing([], { since: "A" }),
      listing([conversation()], { since: "B", waiting: 2 }),
      listing([], { since: "C" }),
    ]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked.map((query) => query.since)).toEqual([undefined, "A", "B"]);
    expect(heard.changes[1]).toMatchObject({ waiting: 2, conversations: [{ user_id: "200" }] });
    expect(heard.calls).toBe(2); // the first answer tells of nothing that is new
    end();
  });

  it("follows the pages of one answer before it moves its mark", async () => {
    const { asked, heard, end } = started([
      listing([], { since: "A" }),
      listing([conversation({ user_id: "1" })], { since: "B", cursor: "more" }),
      listing([conversation({ user_id: "2" })], { since: "late" }),
      listing([], { since: "C" }),
    ]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(heard.changes[1]?.conversations).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked.at(-1)?.since).toBe("B");
    end();
  });

  it("says where more has changed than it follows", async () => {
    const page = listing(Array.from({ length: 100 }, (_, user) => conversation({ user_id: String(user) })));
    const { heard, end } = started([listing([], { since: "A" }), { ...page, cursor: "more" }]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(heard.changes.map(({ isCut }) => isCut)).toEqual([false, true]);
    end();
  });

  it("keeps its mark through an outage, says so, and loads all anew after it", async () => {
    const down = new ApiError(0, "no_answer", "down");
    const { asked, heard, end } = started([listing([], { since: "A" }), down, down, listing([], { since: "B" })]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked.slice(0, 4).map((query) => query.since)).toEqual([undefined, "A", "A", "A"]);
    expect(heard.connections.slice(0, 4)).toEqual(["live", "reconnecting", "reconnecting", "live"]);
    expect(heard.reloads).toBe(2);
    end();
  });

  it("says that nobody is signed in", async () => {
    const { heard, end } = started([new ApiError(401, "unauthenticated", "Sign in.")]);
    await vi.advanceTimersByTimeAsync(0);
    expect(heard.connections).toEqual(["signed-out"]);
    end();
  });

  it("looks at once when it is hurried", async () => {
    const { asked, feed, end } = started([listing([])]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toHaveLength(1);
    feed.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(2);
    end();
  });

  it("goes on from where the tab that looked before has got to", async () => {
    const asked: (string | undefined)[] = [];
    let lead: Parameters<Tabs<News>["join"]>[0] = async () => {};
    let hear: (news: News) => void = () => {};
    const tabs: Tabs<News> = {
      join(...given) {
        [lead, hear] = given;
        return () => {};
      },
      claim() {},
    };
    const list = async ({ since }: { since?: string }) => {
      asked.push(since);
      return listing([], { since: "B" });
    };
    let calls = 0;
    const end = polling({ list }, tabs).start({
      changed: () => {},
      connection: () => {},
      reload: () => {},
      first: () => {
        calls += 1;
      },
    });
    hear({ change: { conversations: [], waiting: 0, since: "A" } });
    const turn = new AbortController();
    const done = lead(turn.signal, () => {});
    await vi.advanceTimersByTimeAsync(0);
    turn.abort();
    await done;
    expect(asked).toEqual(["A"]);
    expect(calls).toBe(1);
    end();
  });

  it("ends when it is left", async () => {
    const { asked, end } = started([listing([])]);
    await vi.advanceTimersByTimeAsync(0);
    end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(1);
  });
});
