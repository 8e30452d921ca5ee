import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { useCell } from "../state/cell";
import { t } from "../words";

/** What has just been done, and the way back. */
export function Toasts() {
  const desk = useDesk();
  const toasts = useCell(desk.toasts);
  return (
    <div className="toasts" role="status">
      {toasts.map(({ id, words, isFault, undo }) => (
        <div key={id} className={isFault ? "toast bad" : "toast"}>
          <Icon name={isFault ? "alert" : "check"} />
          <p>{words}</p>
          {undo !== undefined && (
            <button
              type="button"
              onClick={() => {
                desk.dismiss(id);
                undo();
              }}
            >
              {t("undo")}
              <kbd aria-hidden="true">Z</kbd>
            </button>
          )}
          <button type="button" className="icon-button" aria-label={t("close")} onClick={() => desk.dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
