import { useDesk } from "../desk";
import { format, go, STATUSES, usePlace } from "../place";
import { useCell } from "../state/cell";
import { t } from "../words";

/** All, active and paused; and beside them who waits, with their number. */
export function Filters() {
  const place = usePlace();
  const waiting = useCell(useDesk().conversations, (state) => state.waiting);
  return (
    <nav className="filters" aria-label={t("filter.label")}>
      {STATUSES.map((status) => (
        <a
          key={status}
          href={format({ ...place, status })}
          aria-current={place.status === status ? "page" : undefined}
          className={status === "waiting" && waiting > 0 ? "calls" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            go({ status });
          }}
        >
          {t(`filter.${status}`)}
          {status === "waiting" && waiting > 0 && <b>{waiting >= 1000 ? "1000+" : waiting}</b>}
        </a>
      ))}
    </nav>
  );
}
