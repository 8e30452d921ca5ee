import type { Conversation } from "../api/types";
import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { Avatar } from "../list/Avatar";
import { customerOf } from "../list/customer";
import type { Row } from "../message/relations";
import { ago } from "../message/times";
import { useHeld } from "../thread/held";
import { t } from "../words";
import { Pauses } from "./Pauses";
import { When } from "./When";

/** Who this is, and what has happened between them, the bot and us. */
export function Details({ conversation, rows }: { conversation: Conversation; rows: readonly Row[] }) {
  const desk = useDesk();
  const { id, last_user_message_at, paused, window } = conversation;
  const held = useHeld(conversation);
  return (
    <aside className="details" aria-label={t("details.label")}>
      <Avatar id={id} name={conversation.name} url={conversation.picture_url} size={56} />
      <h2 dir="auto">{customerOf(conversation)}</h2>
      <p className="quiet">{t(`platform.${conversation.platform}`)}</p>
      <dl>
        {last_user_message_at !== null && (
          <Fact name={t("details.wrote")}>
            <When at={last_user_message_at} words={ago} />
          </Fact>
        )}
        {window !== null && (
          <Fact name={t("details.window")}>
            <When at={window.until} />
          </Fact>
        )}
        {paused !== null && <Fact name={t("details.held")}>{held ?? "–"}</Fact>}
        {paused?.reason && <Fact name={t("details.reason")}>{paused.reason}</Fact>}
        <Fact name={t("details.user")}>
          <code>{conversation.user_id}</code>
        </Fact>
        <Fact name={t("details.page")}>
          <code>{conversation.page_id}</code>
        </Fact>
      </dl>
      <button
        type="button"
        className="quiet-button"
        onClick={() => void navigator.clipboard.writeText(location.href).then(() => desk.say(t("details.copied")))}
      >
        <Icon name="link" />
        {t("details.copy")}
      </button>
      <Pauses rows={rows} conversation={conversation} />
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}
