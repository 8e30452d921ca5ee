import type { Conversation } from "../api/types";
import { useNow } from "../clock";
import { Icon } from "../icon/Icon";
import { span, urgency } from "../state/waits";
import { t } from "../words";

/** Who has the word in a conversation, as a word and an icon; and how long the user has waited, where a person is due. */
export function Voice({ conversation }: { conversation: Conversation }) {
  const { status, waiting_since } = conversation;
  const wait = useNow((now) => (waiting_since === null ? null : minutes(now - Date.parse(waiting_since))));
  if (wait !== null) {
    return (
      <span className={`tag waits-${urgency(wait)}`}>
        <Icon name="clock" size={14} />
        <span className="hidden">{t("row.waits")} </span>
        {span(wait)}
      </span>
    );
  }
  return status === "active" ? (
    <span className="tag bot">
      <Icon name="bot" size={14} />
      {t("row.bot")}
    </span>
  ) : (
    <span className="tag operator">
      <Icon name="pause" size={14} />
      {t("row.paused")}
    </span>
  );
}

/** So that nothing is rendered anew within a minute. */
function minutes(milliseconds: number): number {
  return Math.floor(milliseconds / 60_000) * 60_000;
}
