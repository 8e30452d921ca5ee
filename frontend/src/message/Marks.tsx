import type { Message } from "../api/types";
import { Icon, type IconName } from "../icon/Icon";
import { t } from "../words";
import type { Context } from "./context";
import { stateAt } from "./relations";
import { ago, clock, moment } from "./times";

/** A time of day, with everything else about it on pointing at it; a link to the message where it has an address. */
export function Time({ message, context }: { message: Message; context: Context }) {
  const at = message.sent_at;
  const time = (
    <time dateTime={at} title={moment(at)} onPointerEnter={(event) => tell(event.currentTarget, at)}>
      {clock(at)}
    </time>
  );
  return context.linkTo === undefined ? (
    time
  ) : (
    <a className="when" href={context.linkTo(message)}>
      {time}
      <span className="hidden"> {t("message.link")}</span>
    </a>
  );
}

/** How long ago it was is true at the moment of pointing only. */
function tell(element: HTMLElement, at: string): void {
  element.title = `${moment(at)} · ${ago(at, Date.now())}`;
}

type State = NonNullable<Message["state"]>;

const ICONS: Partial<Record<State, IconName>> = {
  held: "hold",
  queued: "clock",
  sent: "check",
  delivered: "checks",
  read: "checks",
  failed: "alert",
  refused: "alert",
  unconfirmed: "alert",
};

/** What became of a message, in words; and where it did not go out, why, and what can be done. */
export function Marks({ message, context }: { message: Message; context: Context }) {
  const state = stateAt(message, context.deliveredAt, context.readAt);
  const icon = state === null ? undefined : ICONS[state];
  const isUsers = message.author === "user";
  if (state === null || icon === undefined || (isUsers && state !== "held")) return null;
  return (
    <span className={`state ${state}`}>
      <Icon name={icon} />
      {t(`message.state.${state as Exclude<State, "received">}`)}
    </span>
  );
}

/** Why something was not sent, and the ways on: of an operator's, for what a bot may not say is no operator's to send. */
export function Failed({ message, context }: { message: Message; context: Context }) {
  const { state, failure } = message;
  if (state !== "failed" && state !== "refused" && state !== "unconfirmed") return null;
  const isOurs = message.author === "operator";
  const isUnsure = state === "unconfirmed";
  const canRetry = isOurs && context.onRetry !== undefined && (failure === null || failure.can_retry || isUnsure);
  const retry = failure?.code === "someone_answered" ? "message.retry.all" : "message.retry";
  return (
    <div className="failed">
      <p>{failure?.message ?? t(`message.why.${state}`)}</p>
      <p className="actions">
        {canRetry && <Action words={t(retry)} act={() => context.onRetry?.(message)} />}
        {isOurs && !isUnsure && context.onEdit && message.text !== null && (
          <Action words={t("message.edit")} act={() => context.onEdit?.(message)} />
        )}
        {isOurs && !isUnsure && context.onDiscard && (
          <Action words={t("message.discard")} act={() => context.onDiscard?.(message)} />
        )}
      </p>
    </div>
  );
}

function Action({ words, act }: { words: string; act: () => void }) {
  return (
    <button type="button" className="plain" onClick={act}>
      {words}
    </button>
  );
}
