import { useRef } from "react";
import { Icon } from "../icon/Icon";
import { t } from "../words";
import type { After } from "./Composer";

/** The other ways to send, each with its keys. */
export function SendMenu({ isDisabled, choose }: { isDisabled: boolean; choose: (after: After) => void }) {
  const menu = useRef<HTMLDivElement>(null);
  const pick = (after: After) => {
    menu.current?.hidePopover();
    choose(after);
  };
  return (
    <>
      <button
        type="button"
        className="send more"
        popoverTarget="send-menu"
        disabled={isDisabled}
        aria-label={t("send.more")}
        title={t("send.more")}
      >
        <Icon name="more" />
      </button>
      <div className="popover" id="send-menu" popover="auto" ref={menu}>
        <button type="button" onClick={() => pick("next")}>
          {t("send.next")}
          <kbd>{t("keys.ctrl")} ⇧ ⏎</kbd>
        </button>
        <button type="button" onClick={() => pick("resume")}>
          {t("send.resume")}
          <kbd>Alt ⏎</kbd>
        </button>
      </div>
    </>
  );
}
