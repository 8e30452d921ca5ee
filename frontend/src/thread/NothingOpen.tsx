import { useDesk } from "../desk";
import { go } from "../place";
import { useCell } from "../state/cell";
import { t } from "../words";

/** Beside the list: who to begin with. */
export function NothingOpen() {
  const desk = useDesk();
  const waiting = useCell(desk.conversations, (state) => state.waiting);
  const isKnown = useCell(desk.connection, (connection) => connection.since !== null);
  return (
    <div className="thread-pane nothing">
      <div className="empty middle">
        {isKnown && (
          <>
            <p className="strong">{waiting > 0 ? t("nothing.waiting", { count: waiting }) : t("nothing.calm")}</p>
            <p>{t(waiting > 0 ? "nothing.waiting.hint" : "nothing.calm.hint")}</p>
          </>
        )}
        {waiting > 0 && (
          <button type="button" className="primary" onClick={() => go({ status: "waiting", q: "" })}>
            {t("nothing.show")}
          </button>
        )}
        <p className="keys">
          <kbd>J</kbd> <kbd>K</kbd> {t("nothing.keys")} · <kbd>?</kbd> {t("nothing.help")}
        </p>
      </div>
    </div>
  );
}
