import { type RefObject, useEffect, useMemo, useRef, useState } from "react";

/** A pointer that has not moved for so long is not about to press. */
const RESTS_AFTER = 8000;

/**
 * The ids to show: as they are, but as they were while the pointer or the focus is on the list, so that no row moves
 * away from under either; only what comes behind them is added. `hasChanges` says that there is more to show.
 */
export function useStill(ids: readonly string[], list: RefObject<HTMLElement | null>, view: string) {
  const [isHeld, setHeld] = useState(false);
  const [shown, setShown] = useState({ view, ids });
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hold = () => {
      setHeld(true);
      clearTimeout(timer);
      timer = setTimeout(release, RESTS_AFTER);
    };
    const release = () => {
      clearTimeout(timer);
      setHeld(element.contains(document.activeElement) && document.activeElement !== element);
    };
    const out = () => {
      clearTimeout(timer);
      setTimeout(release);
    };
    element.addEventListener("pointermove", hold, { passive: true });
    element.addEventListener("pointerleave", release);
    element.addEventListener("focusin", hold);
    element.addEventListener("focusout", out);
    return () => {
      clearTimeout(timer);
      element.removeEventListener("pointermove", hold);
      element.removeEventListener("pointerleave", release);
      element.removeEventListener("focusin", hold);
      element.removeEventListener("focusout", out);
    };
  }, [list]);
  const isLonger = ids.length > shown.ids.length && shown.ids.every((id, at) => id === ids[at]);
  const isCurrent = !isHeld || shown.view !== view || shown.ids.length === 0 || isLonger;
  const kept = useMemo(() => (isCurrent ? ids : continued(shown.ids, ids)), [isCurrent, shown, ids]);
  const last = useRef(ids);
  last.current = ids;
  useEffect(() => setShown((now) => (now.view === view && now.ids === kept ? now : { view, ids: kept })), [view, kept]);
  return {
    ids: kept,
    hasChanges: !isCurrent && shown.ids !== ids,
    show: () => setShown({ view, ids: last.current }),
  };
}

/** What is shown, and behind it what has come there since, such as a page that was scrolled to. */
function continued(shown: readonly string[], ids: readonly string[]): readonly string[] {
  const [known, isShown] = [new Set(ids), new Set(shown)];
  const last = shown.findLast((id) => known.has(id));
  const behind = last === undefined ? [] : ids.slice(ids.indexOf(last) + 1).filter((id) => !isShown.has(id));
  return behind.length === 0 ? shown : [...shown, ...behind];
}
