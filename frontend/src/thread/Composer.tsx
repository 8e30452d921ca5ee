import { useEffect, useLayoutEffect, useRef } from "react";
import type { Conversation } from "../api/types";
import { useNow } from "../clock";
import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { isComposing } from "../keys";
import { customerOf } from "../list/customer";
import { openNext } from "../shell/moves";
import { useStop } from "../shell/stop";
import { useCell } from "../state/cell";
import { draft, drafts } from "../state/drafts";
import { LONGEST, split } from "../state/outbox";
import { settings } from "../state/settings";
import { type ReplyWindow, replyWindow } from "../state/window";
import { locale, t } from "../words";
import { useSentence } from "./Header";
import { SendMenu } from "./SendMenu";

const COUNT_FROM = 1600;
const TALLEST = 220;
const ASK_EVERY = 20_000;

/** What follows a message that was sent. */
export type After = "stay" | "next" | "resume";

export function Composer({ conversation }: { conversation: Conversation }) {
  const { id } = conversation;
  const desk = useDesk();
  const customer = customerOf(conversation);
  const says = useSentence(conversation, useStop().data);
  const text = useCell(drafts, (all) => all[id] ?? "");
  const enterSends = useCell(settings, (all) => all.send === "enter");
  const area = useRef<HTMLTextAreaElement>(null);
  const isActive = conversation.status === "active";
  const parts = text.length > LONGEST ? split(text).length : 1;
  const reply = useWindow(conversation, customer);
  const isIdle = text.trim() === "" || reply.isClosed;

  useAutosize(area, text);
  // Whoever comes back to a draft goes on at its end.
  useLayoutEffect(() => {
    const end = area.current?.value.length ?? 0;
    area.current?.setSelectionRange(end, end);
  }, []);

  async function send(after: After): Promise<void> {
    if (isIdle) return;
    const sending = desk.send(id, text);
    if (after === "stay") area.current?.focus();
    else openNext(desk);
    if (after === "resume" && (await sending)) await desk.resume(id);
  }

  function onKeyDown(event: React.KeyboardEvent): void {
    if (event.key !== "Enter" || isComposing(event.nativeEvent)) return;
    const after = afterEnter(event, enterSends);
    if (after === null) return;
    event.preventDefault();
    void send(after);
  }

  const label = parts > 1 ? t("send.split", { count: parts }) : t(isActive ? "send.pausing" : "send");
  return (
    <form
      className={`composer ${reply.isClosed ? "closed" : says.voice}`}
      onSubmit={(event) => {
        event.preventDefault();
        void send("stay");
      }}
    >
      <p className="bar" id="composer-state">
        <Icon name={reply.isClosed ? "alert" : isActive ? "bot" : "operator"} />
        <span>{reply.isClosed ? reply.hint : says.sending}</span>
        {reply.left !== null && (
          <span className={reply.isUrgent ? "window urgent" : "window"}>
            <Icon name="clock" />
            {reply.left}
          </span>
        )}
        {!reply.isClosed && reply.hint !== null && <span className="whole">{reply.hint}</span>}
      </p>
      <textarea
        id="composer"
        ref={area}
        value={text}
        rows={1}
        dir="auto"
        placeholder={t("composer.placeholder", { customer })}
        aria-label={t("composer.label", { customer })}
        aria-describedby="composer-state composer-as composer-count"
        onChange={(event) => draft(id, event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="tools">
        <p id="composer-as" dir="auto">
          <Icon name="operator" />
          <span>{t("composer.as", { name: desk.me.name })}</span>
        </p>
        <p
          id="composer-count"
          className={text.length > LONGEST ? "over" : text.length < COUNT_FROM ? "hint" : undefined}
        >
          {text.length >= COUNT_FROM
            ? t(parts > 1 ? "composer.over" : "composer.count", { count: text.length.toLocaleString(locale()), parts })
            : t("composer.line", { keys: enterSends ? "⇧ ⏎" : "⏎" })}
        </p>
        <div className="sending">
          <button type="submit" className="send" disabled={isIdle}>
            <Icon name="send" />
            {label}
            <kbd aria-hidden="true">{enterSends ? "⏎" : `${t("keys.ctrl")} ⏎`}</kbd>
          </button>
          <SendMenu isDisabled={isIdle} choose={(after) => void send(after)} />
        </div>
      </div>
    </form>
  );
}

/** What Enter asks for with what is held beside it; null where it begins a line. */
function afterEnter({ altKey, ctrlKey, metaKey, shiftKey }: React.KeyboardEvent, enterSends: boolean): After | null {
  const isCtrl = ctrlKey || metaKey;
  if (altKey) return "resume";
  if (shiftKey) return isCtrl ? "next" : null;
  return isCtrl || enterSends ? "stay" : null;
}

/** Rendered anew only when a word of it changes; where time has run out, the server is asked what holds now. */
function useWindow(conversation: Conversation, customer: string): ReplyWindow {
  const desk = useDesk();
  const text = useNow((now) => JSON.stringify(replyWindow(conversation, customer, now)));
  const reply = JSON.parse(text) as ReplyWindow;
  const hasRunOut = reply.isClosed && conversation.window?.type !== "closed";
  useEffect(() => {
    if (!hasRunOut) return;
    const look = () => void desk.look(conversation.id).catch(() => {});
    look();
    const timer = setInterval(look, ASK_EVERY); // its clock may be behind ours
    return () => clearInterval(timer);
  }, [desk, conversation.id, hasRunOut]);
  return reply;
}

/** As tall as its text, within bounds. In code, because `field-sizing` costs a layout at each key. */
function useAutosize(area: React.RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows from the text
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, TALLEST)}px`;
  }, [area, text]);
}
