import { useEffect, useState } from "react";
import type { Conversation } from "../api/types";
import { useDesk } from "../desk";
import { customerOf } from "../list/customer";
import { ListPane } from "../list/ListPane";
import { badge, chime, notify } from "../live/notify";
import { go, usePlace } from "../place";
import { useCell } from "../state/cell";
import { settings } from "../state/settings";
import { ThreadPane } from "../thread/ThreadPane";
import { t } from "../words";
import { Banners } from "./Banners";
import { Dialogs } from "./Dialogs";
import { useShortcuts } from "./shortcuts";
import { Toasts } from "./Toasts";

/** The list beside the thread; on a phone the one or the other. */
export function App() {
  const desk = useDesk();
  const { conversation } = usePlace();
  const waiting = useCell(desk.conversations, (state) => state.waiting);
  const [heard, say] = useState({ words: "", count: 0 });
  useShortcuts();
  useEffect(() => badge(waiting), [waiting]);
  useEffect(
    () =>
      desk.start((called) => {
        if (called.length === 0) return;
        say(({ count }) => ({ words: callsOf(called), count: count + 1 }));
        const { notifications, sound } = settings.get();
        if (notifications) notify(called, (id) => go({ status: "waiting", q: "", conversation: id }));
        if (sound) chime();
      }),
    [desk],
  );
  return (
    <>
      <div className="skip">
        <SkipTo id="list" words={t("skip.list")} />
        {conversation !== null && <SkipTo id="thread" words={t("skip.thread")} />}
        {conversation !== null && <SkipTo id="composer" words={t("skip.composer")} />}
      </div>
      <Banners />
      <main className={conversation === null ? "panes listing" : "panes reading"}>
        <ListPane />
        <ThreadPane />
      </main>
      <p className="hidden" role="status">
        <span key={heard.count}>{heard.words}</span>
      </p>
      <Toasts />
      <Dialogs />
    </>
  );
}

/** Who has begun to wait, for screen readers. */
function callsOf(called: readonly Conversation[]): string {
  return called
    .slice(0, 3)
    .map((one) => t("notify.title", { customer: customerOf(one) }))
    .join("\n");
}

/** A link would change the hash, which says where we are. */
function SkipTo({ id, words }: { id: string; words: string }) {
  return (
    <button type="button" onClick={() => document.getElementById(id)?.focus()}>
      {words}
    </button>
  );
}
