/** What tells the dashboard of changes. Polling does today; a push channel would implement the same. */
import type { Conversation } from "../api/types";

export interface Change {
  conversations: readonly Conversation[];
  waiting: number;
  /** The server's mark: what has changed until then is told. */
  since: string;
  /** More has changed than this tells of. */
  isCut?: boolean;
}

/** `since`: what is shown is true as of then; null before the first answer. */
export type Connection =
  | { is: "connecting"; since: null }
  | { is: "live"; since: number }
  | { is: "reconnecting"; since: number | null }
  | { is: "signed-out"; since: number | null };

export interface Listener {
  /** What has changed; some of it may have been told before. */
  changed(change: Change): void;
  connection(connection: Connection): void;
  /** What is shown may have missed something: load it again. */
  reload(): void;
  /** Called in one tab only, whatever number of them is open: for notifications. */
  first?(change: Change): void;
}

export interface Feed {
  /** Begins telling; returns what ends it. */
  start(listener: Listener): () => void;
  /** Look for changes at once. */
  hurry(): void;
}
