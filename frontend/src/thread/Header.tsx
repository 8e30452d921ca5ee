import { useEffect, useRef } from "react";
import type { Conversation, Stop } from "../api/types";
import { useNow } from "../clock";
import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { Avatar } from "../list/Avatar";
import { customerOf } from "../list/customer";
import { go } from "../place";
import { useStop } from "../shell/stop";
import { useCell } from "../state/cell";
import { type Sentence, sentence } from "../state/sentence";
import { t } from "../words";
import { ResumeMenu } from "./ResumeMenu";

const ICONS = { bot: "bot", operator: "operator", waiting: "clock", stopped: "stop" } as const;

/** Who has the word, in one sentence; and the one button that changes it. */
export function Header({ conversation }: { conversation: Conversation }) {
  const desk = useDesk();
  const stop = useStop().data;
  const customer = customerOf(conversation);
  const isSwitching = useCell(desk.switching, (all) => all.has(conversation.id));
  const says = useSentence(conversation, stop);
  const act = () => void (says.action === "pause" ? desk.pause(conversation.id) : desk.resume(conversation.id));
  // On a phone the list is gone, and with it the row that had the focus.
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.getElementById("list")?.checkVisibility() === false) heading.current?.focus();
  }, []);
  return (
    <header className={`thread-header ${says.voice}`}>
      <button
        type="button"
        className="icon-button back"
        aria-label={t("thread.back")}
        onClick={() => go({ conversation: null })}
      >
        <Icon name="back" size={20} />
      </button>
      <Avatar id={conversation.id} name={conversation.name} url={conversation.picture_url} size={40} />
      <div className="heading">
        <h1 dir="auto" id="who" ref={heading} tabIndex={-1}>
          {customer}
        </h1>
        <p className="says">
          <Icon name={ICONS[says.voice]} />
          <span>
            {says.words}
            {says.silent !== null && ` · ${says.silent}`}
          </span>
        </p>
        {/* Said aloud when it changes, and not with each minute. */}
        <p className="hidden" role="status">
          {says.voice === "waiting" ? t("says.waits.now") : says.words}
        </p>
      </div>
      <div className="switch">
        <button
          type="button"
          className="primary"
          id="switch"
          aria-disabled={isSwitching}
          onClick={act}
          aria-keyshortcuts="p"
        >
          <Icon name={says.action === "pause" ? "pause" : "bot"} />
          <span className="roomy">{t(`act.${says.action}`)}</span>
          <span className="narrow">{t(`act.${says.action}.short`)}</span>
          <kbd aria-hidden="true">P</kbd>
        </button>
        <ResumeMenu conversation={conversation} />
      </div>
    </header>
  );
}

/** Rendered anew only when a word of it changes. */
export function useSentence(conversation: Conversation, stop: Stop | undefined) {
  const me = useDesk().me.id;
  const text = useNow((now) => JSON.stringify(sentence(conversation, me, stop, now)));
  return JSON.parse(text) as Sentence;
}
