import type { Message } from "../api/types";
import { t } from "../words";
import type { Context } from "./context";

type Spoken = Pick<Message, "author" | "by">;
/** Who looks on, and at whom. */
export type Viewer = Pick<Context, "customer" | "me">;

/** What somebody is called at the head of a message. */
export function voice({ author, by }: Spoken, context: Viewer): string {
  switch (author) {
    case "user":
      return context.customer;
    case "operator":
      return by !== null && by.id === context.me ? t("message.you") : by?.name || t("message.role.operator");
    case "page_inbox":
      return t("message.inbox");
    case "bot":
      return by?.name || t("message.role.bot");
    default:
      return t("message.by.system");
  }
}

/** Who did it, inside a sentence. */
export function actor({ by, author }: Spoken, context: Viewer): string {
  switch (by?.type ?? author) {
    case "user":
      return context.customer;
    case "bot":
      return t("message.by.bot");
    case "page_inbox":
      return t("message.by.inbox");
    case "system":
      return t(by?.id === "stop" ? "message.by.stop" : "message.by.system");
    default:
      return by?.id === context.me ? t("message.by.you") : by?.name || t("message.by.operator");
  }
}
