import { useRef } from "react";
import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { useCell } from "../state/cell";
import { t } from "../words";

/** What has just been done, and the way back. */
export function Toasts() {
  const desk = useDesk();
  const toasts = useCell(desk.toasts);
  const box = useRef<HTMLDivElement>(null);
  const from = useRef<Element | null>(null);
  const leave = (id: number) => {
    desk.dismiss(id);
    const back = from.current?.isConnected ? from.current : document.getElementById("list");
    if (back instanceof HTMLElement) back.focus();
  };
  return (
    <div
      className="toasts"
      role="status"
      ref={box}
      onFocus={({ relatedTarget }) => {
        if (!box.current?.contains(relatedTarget)) from.current = relatedTarget;
      }}
    >
      {toasts.map(({ id, words, isFault, undo }) => (
        <div key={id} className={isFault ? "toast bad" : "toast"}>
          <Icon name={isFault ? "alert" : "check"} />
          <p>{words}</p>
          {undo !== undefined && (
            <button
              type="button"
              onClick={() => {
                leave(id);
                undo();
              }}
            >
              {t("undo")}
              <kbd aria-hidden="true">Z</kbd>
            </button>
          )}
          <button type="button" className="icon-button" aria-label={t("close")} onClick={() => leave(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
