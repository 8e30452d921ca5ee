import { useNow } from "../clock";
import { useDesk } from "../desk";
import { dayAndClock } from "../message/times";
import { useCell } from "../state/cell";
import { t } from "../words";

const STALE_AFTER = 90_000;

/** Whether what is shown is true now. */
export function ConnectionLine() {
  const connection = useCell(useDesk().connection);
  const isStale = useNow(() => connection.since !== null && Date.now() - connection.since > STALE_AFTER);
  const words =
    connection.is === "live" && !isStale
      ? t("connection.live")
      : connection.since !== null
        ? t("connection.stale", { time: dayAndClock(new Date(connection.since).toISOString(), Date.now()) })
        : t(connection.is === "connecting" ? "connection.connecting" : "connection.none");
  return (
    <p className={`connection ${connection.is}`} role="status">
      <i aria-hidden="true" />
      {words}
    </p>
  );
}
