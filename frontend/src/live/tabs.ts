/** The tabs of one browser agree on one of them that does the work and tells the others what it hears. */
export interface Tabs<News> {
  /** `lead` runs while this tab is the one, `hear` while another is. Returns what leaves. */
  join(
    lead: (signal: AbortSignal, tell: (news: News) => void) => Promise<void>,
    hear: (news: News) => void,
  ): () => void;
  /** This tab wants to be the one: the operator looks at it, and browsers slow down the timers of hidden tabs. */
  claim(): void;
}

export function browserTabs<News>(name: string): Tabs<News> {
  let claim = () => {};

  function join(
    lead: (signal: AbortSignal, tell: (news: News) => void) => Promise<void>,
    hear: (news: News) => void,
  ): () => void {
    if (!navigator.locks) return alone(lead); // only over plain HTTP from another machine
    const channel = new BroadcastChannel(name);
    const left = new AbortController();
    let leading: AbortController | null = null;
    channel.onmessage = ({ data }: MessageEvent<News>) => {
      if (leading === null) hear(data);
    };

    let waiting = new AbortController();
    async function queue(steal: boolean): Promise<void> {
      waiting.abort(); // there is one place in the queue for each tab
      waiting = new AbortController();
      const { signal } = waiting;
      let mine: AbortController | undefined;
      try {
        await navigator.locks.request(name, steal ? { steal } : { signal }, async () => {
          if (left.signal.aborted) return;
          mine = leading = new AbortController();
          await Promise.race([lead(mine.signal, (news) => channel.postMessage(news)), aborted(left.signal)]);
        });
      } catch {
        // Another tab has taken the lock, or this place was given up.
      }
      mine?.abort();
      if (mine !== undefined && leading === mine) leading = null;
      if (!left.signal.aborted && signal === waiting.signal) void queue(false);
    }

    let isStealing = false;
    claim = () => {
      if (leading !== null || isStealing || left.signal.aborted) return;
      isStealing = true;
      void queue(true);
      setTimeout(() => {
        isStealing = false;
      }, 1000);
    };
    void queue(document.visibilityState === "visible");
    return () => {
      left.abort();
      waiting.abort();
      leading?.abort();
      channel.close();
    };
  }

  return { join, claim: () => claim() };
}

function alone<News>(lead: (signal: AbortSignal, tell: (news: News) => void) => Promise<void>): () => void {
  const left = new AbortController();
  void lead(left.signal, () => {});
  return () => left.abort();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
