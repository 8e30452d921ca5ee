import type { Conversation } from "../api/types";
import { t } from "../words";

/** What a user is called: by name, or by the end of the id until it is known. */
export function customerOf({ name, user_id }: Pick<Conversation, "name" | "user_id">): string {
  return name?.trim() || t("customer.unknown", { id: user_id.slice(-4) });
}
