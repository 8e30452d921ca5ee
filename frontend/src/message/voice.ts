import type { Message } from "../api/types";
import { t } from "../words";
import type { Context } from "./context";

/** What somebody is called at the head of a message. */
export function voice(
  { author, by }: Pick<Message, "author" | "by">,
  context: Pick<Context, "customer" | "me">,
): string {
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
