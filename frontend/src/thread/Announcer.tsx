import { useEffect, useRef, useState } from "react";
import { summary } from "../message/MessageView";
import type { Row } from "../message/relations";

/** Tells screen readers of what the user says from now on, and of nothing else. */
export function Announcer({ rows, customer }: { rows: readonly Row[]; customer: string }) {
  const [words, setWords] = useState("");
  const last = useRef<string | null>(null);
  useEffect(() => {
    const newest = rows.at(-1)?.message;
    if (newest === undefined) return;
    if (last.current !== null && newest.id !== last.current && newest.author === "user") {
      setWords(`${customer}: ${summary(newest)}`);
    }
    last.current = newest.id;
  }, [rows, customer]);
  return (
    <p className="hidden" role="log" aria-live="polite">
      {words}
    </p>
  );
}
