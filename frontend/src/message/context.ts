import type { Message } from "../api/types";

/**
 * What a thread tells its messages, the same object until something of it changes. A handler that is missing means that
 * this cannot be done here; no button is shown for it.
 */
export interface Context {
  /** What the user is called. */
  customer: string;
  /** The id of the operator who looks. */
  me?: string | undefined;
  deliveredAt: string | null;
  readAt: string | null;
  /** Go to the message with this mid. */
  onQuote?: ((mid: string) => void) | undefined;
  onRetry?: ((message: Message) => void) | undefined;
  onEdit?: ((message: Message) => void) | undefined;
  onDiscard?: ((message: Message) => void) | undefined;
  /** The address of a message, for whoever wants to show it to somebody else. */
  linkTo?: ((message: Message) => string) | undefined;
}
