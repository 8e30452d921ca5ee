import { useDeferredValue, useEffect, useState } from "react";
import { now } from "../clock";
import { reason, useDesk } from "../desk";
import { Details } from "../details/Details";
import { go, here } from "../place";
import { neighbour } from "../shell/moves";
import { useCell } from "../state/cell";
import { t } from "../words";
import { Composer } from "./Composer";
import { Header } from "./Header";
import { historyQuery, useRows } from "./history";
import { Thread } from "./Thread";

/** Marks of delivery and reading are no change that the feed tells of: looked for while some are missing. */
const MARKS_EVERY = 10_000;
const MARKS_WITHIN = 600_000;

/** An open conversation: its header, what was said, the composer, and the details beside them. */
export default function Open({ id, message }: { id: string; message: string | null }) {
  const desk = useDesk();
  const conversation = useCell(desk.conversations, (state) => state.byId.get(id));
  const [fault, setFault] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const { rows, query } = useRows(id);
  // Whose it is and where to write come at once, and what was said in a frame of its own: it takes longer to lay out
  // than a key may wait.
  const isLaidOut = useDeferredValue(true, false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt looks again
  useEffect(() => {
    const look = () =>
      desk.look(id).then(
        (found) => {
          setFault(null);
          // A user's id alone was asked for.
          if (found.id !== id && here().conversation === id)
            go({ conversation: found.id, message: here().message }, { replace: true });
        },
        (error) => setFault(reason(error)),
      );
    void look();
    const timer = setInterval(() => {
      const known = desk.conversations.get().byId.get(id);
      const sentAt = known?.last_operator?.at;
      const isMissing =
        sentAt !== undefined && (known?.read_at ?? "") < sentAt && now.get() - Date.parse(sentAt) < MARKS_WITHIN;
      if (isMissing && document.visibilityState === "visible") void look();
    }, MARKS_EVERY);
    return () => clearInterval(timer);
  }, [desk, id, attempt]);
  const next = useCell(desk.conversations, () => neighbour(desk));
  useEffect(() => {
    if (next !== null) void desk.queries.prefetchInfiniteQuery(historyQuery(desk.api, next));
  }, [desk, next]);

  if (conversation === undefined) {
    return (
      <div className="thread-pane">
        <div className="empty middle" role="status">
          <h1>{fault === null ? t("thread.loading") : t("thread.missing")}</h1>
          {fault !== null && (
            <>
              <p>{fault}</p>
              <button type="button" className="primary" onClick={() => setAttempt(attempt + 1)}>
                {t("again")}
              </button>
              <button type="button" className="quiet-button" onClick={() => go({ conversation: null })}>
                {t("thread.back")}
              </button>
            </>
          )}
        </div>
      </div>
    );
  }
  return (
    <>
      <div className="thread-pane">
        <Header conversation={conversation} />
        {isLaidOut ? (
          <Thread conversation={conversation} rows={rows} query={query} message={message} />
        ) : (
          <div className="thread-box" />
        )}
        <Composer conversation={conversation} />
      </div>
      {isLaidOut && <Details conversation={conversation} rows={rows} />}
    </>
  );
}
