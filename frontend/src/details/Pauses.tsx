import type { Conversation } from "../api/types";
import { useDesk } from "../desk";
import { customerOf } from "../list/customer";
import { wordsOf } from "../message/Line";
import type { Row } from "../message/relations";
import { t } from "../words";
import { When } from "./When";

const SHOWN = 8;

/** The last pauses and resumes, newest first: who, when and why. */
export function Pauses({ rows, conversation }: { rows: readonly Row[]; conversation: Conversation }) {
  const context = { customer: customerOf(conversation), me: useDesk().me.id };
  const turns = rows.filter(({ message }) => message.kind === "paused" || message.kind === "resumed").slice(-SHOWN);
  if (turns.length === 0) return null;
  return (
    <section className="pauses">
      <h3>{t("details.pauses")}</h3>
      <ol>
        {turns.reverse().map(({ message }) => (
          <li key={message.id} className={message.kind}>
            <span>{wordsOf(message, context)}</span>
            <When at={message.sent_at} />
            {message.text && <q dir="auto">{message.text}</q>}
          </li>
        ))}
      </ol>
    </section>
  );
}
