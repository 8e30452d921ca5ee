import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import { useDesk } from "../desk";
import { usePlace } from "../place";
import { useCell } from "../state/cell";
import { viewKey } from "../state/conversations";
import { t } from "../words";
import { EmptyList } from "./EmptyList";
import { Row } from "./Row";
import { useStill } from "./still";

const ROW = 72;
const AHEAD = 20;
const NONE: readonly string[] = [];
const scrolled = new Map<string, number>();

/** The rows of the view in the URL. Only those in sight are in the page. */
export function ConversationList() {
  const desk = useDesk();
  const { status, q, conversation } = usePlace();
  const key = viewKey(status, q);
  const view = useCell(desk.conversations, (state) => state.views.get(key));
  const state = useCell(desk.loading, (all) => all.get(key));
  const box = useRef<HTMLDivElement>(null);
  const still = useStill(view?.ids ?? NONE, box, key);
  const { ids } = still;

  useEffect(() => void desk.load(status, q), [desk, status, q]);
  useEffect(() => {
    const element = box.current;
    if (element) element.scrollTop = scrolled.get(key) ?? 0;
  }, [key]);

  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => ids[index] as string,
    overscan: 6,
  });
  const items = rows.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const hasMore = typeof view?.cursor === "string";
  const isLoading = state?.isLoading ?? view === undefined;
  useEffect(() => {
    if (hasMore && !isLoading && state?.fault === null && lastShown >= ids.length - AHEAD)
      void desk.loadMore(status, q);
  }, [desk, status, q, hasMore, isLoading, state, lastShown, ids.length]);

  const openAt = useMemo(() => (conversation === null ? -1 : ids.indexOf(conversation)), [ids, conversation]);
  const isLoaded = view !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only opening another one scrolls, or coming to a list
  useEffect(() => {
    if (openAt >= 0 && box.current?.checkVisibility()) rows.scrollToIndex(openAt, { align: "auto" });
  }, [conversation, isLoaded, rows]);
  // On a phone the list was out of sight, and no event tells that it is back, and where.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const sizes = new ResizeObserver(() => {
      if (element.clientHeight > 0) element.dispatchEvent(new Event("scroll"));
    });
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);

  const update = () => {
    still.show();
    box.current?.focus();
  };
  const again = () => {
    void (hasMore ? desk.loadMore(status, q) : desk.load(status, q));
    box.current?.focus();
  };

  return (
    <div className="list-box">
      {still.hasChanges && (
        <button type="button" className="pill" onClick={update}>
          {t("list.changes")}
        </button>
      )}
      <section
        className="scroller"
        id="list"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
        tabIndex={0}
        aria-label={t("list.label")}
        onScroll={(event) => scrolled.set(key, event.currentTarget.scrollTop)}
      >
        {view === undefined && isLoading && <Waiting />}
        {view !== undefined && ids.length === 0 && !hasMore && <EmptyList status={status} q={q} />}
        <ul style={{ height: rows.getTotalSize(), position: "relative" }}>
          {items.map(({ index, key, start }) => (
            <li
              key={key}
              className="place"
              aria-setsize={hasMore ? -1 : ids.length}
              aria-posinset={index + 1}
              style={{ height: ROW, transform: `translateY(${start}px)` }}
            >
              <Row id={ids[index] as string} status={status} q={q} isOpen={ids[index] === conversation} />
            </li>
          ))}
        </ul>
        <div className={state?.fault ? "empty list-end" : "list-end"} role="status">
          {state?.fault ? (
            <>
              {ids.length === 0 && <p className="strong">{t("list.fault")}</p>}
              <p>{state.fault}</p>
              <button type="button" className="quiet-button" onClick={again}>
                {t("again")}
              </button>
            </>
          ) : hasMore ? (
            t("list.more")
          ) : (
            ids.length > 8 && t("list.end")
          )}
        </div>
      </section>
    </div>
  );
}

/** The shape of what is coming. */
function Waiting() {
  return (
    <div role="status">
      <span className="hidden">{t("list.loading")}</span>
      {[0, 1, 2, 3, 4, 5].map((row) => (
        <div key={row} className="row ghost" aria-hidden="true">
          <span className="avatar" />
          <span className="who" />
          <span className="said" />
        </div>
      ))}
    </div>
  );
}
