import { useEffect } from "react";
import { useDesk } from "../desk";
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
  useShortcuts();
  useEffect(() => badge(waiting), [waiting]);
  useEffect(
    () =>
      desk.start((called) => {
        if (called.length === 0) return;
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
      <Toasts />
      <Dialogs />
    </>
  );
}

/** A link would change the hash, which says where we are. */
function SkipTo({ id, words }: { id: string; words: string }) {
  return (
    <button type="button" onClick={() => document.getElementById(id)?.focus()}>
      {words}
    </button>
  );
}
