import { useRef } from "react";
import type { Conversation } from "../api/types";
import { useNow } from "../clock";
import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { dayAndClock } from "../message/times";
import { t } from "../words";
import { useHeld } from "./held";

/** With what was held or without: asked only where the pause has kept something from the bot. */
export function ResumeMenu({ conversation }: { conversation: Conversation }) {
  const desk = useDesk();
  const menu = useRef<HTMLDivElement>(null);
  const count = useHeld(conversation) ?? 0;
  const since = conversation.paused?.since ?? "";
  const time = useNow((now) => (since === "" ? "" : dayAndClock(since, now)));
  if (count === 0) return null;
  const resume = (deliverHeld: boolean) => {
    menu.current?.hidePopover();
    document.getElementById("switch")?.focus(); // the menu goes with what was held
    void desk.resume(conversation.id, deliverHeld);
  };
  return (
    <>
      <button
        type="button"
        className="primary more"
        popoverTarget="resume-menu"
        aria-label={t("resume.more", { count })}
        title={t("resume.more", { count })}
      >
        <Icon name="more" />
      </button>
      <div className="popover" id="resume-menu" popover="auto" ref={menu}>
        <button type="button" onClick={() => resume(false)}>
          {t("resume.without", { count, time })}
          <kbd>P</kbd>
        </button>
        <button type="button" onClick={() => resume(true)}>
          {t("resume.with", { count, time })}
          <kbd>⇧ P</kbd>
        </button>
      </div>
    </>
  );
}
