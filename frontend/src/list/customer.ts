import type { Conversation } from "../api/types";
import { isReadable } from "../message/fields";
import { t } from "../words";

/** Characters that would turn around the sentence that a name stands in. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/** What a user is called: by name, or by the end of the id until it is known. */
export function customerOf({ name, user_id }: Pick<Conversation, "name" | "user_id">): string {
  const shown = name?.replace(TURNING, "").trim() ?? "";
  return isReadable(shown) ? shown : t("customer.unknown", { id: user_id.slice(-4) });
}
