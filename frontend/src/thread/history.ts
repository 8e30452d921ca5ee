import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import * as v from "valibot";
import type { Api } from "../api/client";
import type { Message } from "../api/types";
import { type Pages, useDesk } from "../desk";
import { arrange, type Row } from "../message/relations";
import { useCell } from "../state/cell";
import { behind, flat } from "../state/history";
import { kept } from "../state/kept";
import { asMessage, rowId } from "../state/outbox";

/** Rows of failed sends that the operator has put away here; what failed stays in the log. */
export const discarded = kept<readonly string[]>("hitl.discarded", [], (value) => v.parse(v.array(v.string()), value));

/** How a history is asked for; the newest page first, older ones as `cursor` leads. */
export function historyQuery(api: Api, id: string) {
  return {
    queryKey: ["history", id],
    queryFn: ({ pageParam, signal }: { pageParam: string | undefined; signal: AbortSignal }) =>
      api.history(id, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Pages["pages"][number]) => last.cursor ?? undefined,
    structuralSharing: (now: unknown, read: unknown) => behind(now as Pages | undefined, read as Pages),
  };
}

/** The rows of a conversation, oldest first, with what is being sent at their end. */
export function useRows(id: string) {
  const desk = useDesk();
  const query = useInfiniteQuery(historyQuery(desk.api, id));
  const outbox = useCell(desk.outbox);
  const hidden = useCell(discarded);
  const pages = query.data?.pages;
  // What was kept from an earlier visit may have missed something.
  // biome-ignore lint/correctness/useExhaustiveDependencies: at each opening, and only then
  useEffect(() => {
    if (pages !== undefined) void desk.freshen(id);
  }, [desk, id]);

  const known = useRef<ReadonlyMap<string, Row>>(new Map());
  const rows = useMemo(() => {
    const mine = new Map(outbox.filter((one) => one.conversation === id).map((one) => [rowId(one.client_id), one]));
    const logged = pages === undefined ? [] : flat(pages);
    const messages: Message[] = logged.flatMap((message) => {
      const sending = mine.get(message.id);
      mine.delete(message.id);
      // An answer that was lost looks like a failure, until its row is read.
      const isUnsent = message.state === "failed" || message.state === "refused";
      const isOpen = isUnsent || message.state === "queued" || message.state === "unconfirmed";
      if (sending !== undefined && isOpen) return asMessage(sending, desk.me);
      return isUnsent && hidden.includes(message.id) ? [] : message;
    });
    for (const sending of mine.values()) messages.push(asMessage(sending, desk.me));
    const rows = arrange(messages, known.current);
    known.current = new Map(rows.map((row) => [row.message.id, row]));
    return rows;
  }, [pages, outbox, hidden, id, desk.me]);
  return { rows, query };
}

export type History = ReturnType<typeof useRows>["query"];
