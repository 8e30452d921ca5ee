import { useEffect, useRef, useState } from "react";
import type { Message } from "../api/types";
import type { Context } from "../message/context";
import { summary } from "../message/MessageView";
import type { Row } from "../message/relations";
import { t } from "../words";

const RECENT = 50;

/** Tells screen readers what the user says from now on and what becomes of the operator's sends, and nothing else. */
export function Announcer({ rows, context: { customer, me } }: { rows: readonly Row[]; context: Context }) {
  const [said, say] = useState({ words: "", count: 0 });
  const known = useRef<ReadonlyMap<string, Message["state"]>>(new Map());
  useEffect(() => {
    const recent = rows.slice(-RECENT).map((row) => row.message);
    const before = known.current;
    known.current = new Map(recent.map(({ id, state }) => [id, state]));
    const oldest = recent.findIndex(({ id }) => before.has(id));
    if (oldest < 0) return;
    const news = recent.flatMap((message, at) => {
      const { id, author, by, state, failure } = message;
      if (author === "user") return at > oldest && !before.has(id) ? `${customer}: ${summary(message)}` : [];
      const isSettled = before.get(id) === "queued" && state !== "queued" && by?.id === me;
      if (!isSettled) return [];
      return [t(`message.state.${state as "sent"}`), failure?.message].filter(Boolean).join(": ");
    });
    if (news.length > 0) say(({ count }) => ({ words: news.join("\n"), count: count + 1 }));
  }, [rows, customer, me]);
  return (
    <p className="hidden" role="log" aria-live="polite">
      <span key={said.count}>{said.words}</span>
    </p>
  );
}
