import { type ReactNode, useLayoutEffect, useRef } from "react";
import { Icon } from "../icon/Icon";
import { t } from "../words";
import { close } from "./dialogs";

/** The browser's own modal dialog: it keeps the focus, gives it back, and closes with Escape. */
export function Dialog({
  title,
  className = "",
  children,
}: {
  title: string;
  className?: string;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Closed while it is still in the page: only then does the browser give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    element?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too
    <dialog
      ref={dialog}
      className={className}
      aria-labelledby="dialog-title"
      onCancel={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="dialog-body">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <button type="button" className="icon-button" aria-label={t("close")} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
