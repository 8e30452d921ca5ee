import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Conversation, Message } from "../api/types";
import { useNow } from "../clock";
import { type Desk, useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { customerOf } from "../list/customer";
import type { Context } from "../message/context";
import { MessageView } from "../message/MessageView";
import type { Row } from "../message/relations";
import { dayName } from "../message/times";
import { format, usePlace } from "../place";
import { draft, drafts } from "../state/drafts";
import { firstUnread } from "../state/history";
import { clientIdOf } from "../state/outbox";
import { locale, t } from "../words";
import { Announcer } from "./Announcer";
import { discarded, type History } from "./history";
import { estimate, type Item, items, opening } from "./items";

const NEAR_END = 80;
/** So many rows from the first, older ones are asked for. */
const AHEAD = 15;
/** How far back the message of a link is looked for. */
const SOUGHT_PAGES = 40;
/** Milliseconds within which a row that was gone to has been reached. */
const ON_THE_WAY = 600;

interface Aim {
  key: string;
  align?: "start" | "center";
  until?: number;
}

interface Props {
  conversation: Conversation;
  rows: readonly Row[];
  query: History;
  /** The row that a link leads to. */
  message: string | null;
}

/** The history of one conversation; opens at what is unread, and never moves while somebody reads. */
export function Thread({ conversation, rows, query, message }: Props) {
  const { id } = conversation;
  const desk = useDesk();
  const [seenAt] = useState(conversation.seen_at);
  const [isUnread] = useState(conversation.unread);
  const messages = useMemo(() => rows.map((row) => row.message), [rows]);
  const unread = useMemo(() => (isUnread ? firstUnread(messages, seenAt) : null), [messages, seenAt, isUnread]);
  const shown = useMemo(() => items(rows, unread), [rows, unread]);
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const last = messages.at(-1);
  const newestAt = useMemo(() => newestOf(messages, desk.me.id), [messages, desk]);
  /** Whether what is unread is shown: either may come first. */
  const isUnseen = conversation.unread && (conversation.last_user_message_at ?? "") <= newestAt;
  /** What was said later counts as new; null until that is known. */
  const [seenTo, setSeenTo] = useState(isUnread ? seenAt : null);

  const thread = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => estimate(shown[index]),
    getItemKey: (index) => shown[index]?.key ?? index,
    // The rows that it opens at are the first to be laid out, and not those of the beginning before them.
    enabled: shown.length > 0,
    initialRect: { width: 0, height: innerHeight },
    initialOffset: () => opening(shown, message ?? "unread", innerHeight),
    overscan: 4,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: NEAR_END,
    paddingStart: 12,
    paddingEnd: 16,
  });

  /** The row that was gone to and is not left yet; where it opened, the unread line stays in sight above it. */
  const aim = useRef<Required<Aim> | null>(null);
  const leave = () => {
    aim.current = null;
  };
  const goTo = useCallback(
    ({ key, align = "center", until = performance.now() + ON_THE_WAY }: Aim) => {
      const at = shown.findIndex((item) => item.key === key);
      if (at < 0) return false;
      aim.current = { key, align, until };
      const isBelowLine = align === "start" && shown[at - 1]?.is === "unread";
      thread.scrollToIndex(isBelowLine ? at - 1 : at, { align });
      return true;
    },
    [shown, thread],
  );

  const { data, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  const pages = data?.pages.length ?? 0;
  const [settled, settle] = useState<string | null>(null);
  const isSeeking = message !== null && message !== settled && !isFetchNextPageError;

  // Opens once, when the first rows are there: at a link's message, else at what is unread, else at the end. A link's
  // message is looked for page by page, and whoever follows a second link goes there, too.
  const isOpened = useRef(false);
  useLayoutEffect(() => {
    if (shown.length === 0) return;
    if (isSeeking) {
      const isFound = goTo({ key: message });
      if (!isFound && hasNextPage && pages < SOUGHT_PAGES) return;
      settle(message);
      if (isFound) isOpened.current = true;
      else desk.say(t("thread.unfound", { count: rows.length.toLocaleString(locale()) }));
    }
    if (isOpened.current) return;
    isOpened.current = true;
    if (unread !== null && goTo({ key: unread, align: "start" })) return;
    thread.scrollToEnd({ behavior: "instant" });
  }, [shown, rows, message, isSeeking, unread, hasNextPage, pages, goTo, thread, desk]);

  // The way there takes some frames and goes by place, which is another's once older rows have come before it.
  const oldest = messages[0]?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only older rows move it
  useLayoutEffect(() => {
    if (aim.current !== null && performance.now() < aim.current.until) goTo(aim.current);
  }, [oldest]);

  const virtual = thread.getVirtualItems();
  const firstShown = virtual[0]?.index ?? 0;
  useEffect(() => {
    const isNeeded = isSeeking || (isOpened.current && firstShown < AHEAD);
    if (isNeeded && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [isSeeking, firstShown, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  const onScroll = () => {
    const element = box.current;
    if (element) setAtEnd(isNearEnd(element));
  };
  // A banner, a phone's keyboard or a long draft takes room from above what was said last, never from it.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    let height = element.clientHeight;
    const sizes = new ResizeObserver(() => {
      const wasAtEnd = isNearEnd(element, height);
      height = element.clientHeight;
      if (wasAtEnd && isOpened.current) thread.scrollToEnd({ behavior: "instant" });
    });
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [thread]);
  // Whoever sends has read enough.
  const sendingId = last?.state === "queued" && last.by?.id === desk.me.id ? last.id : null;
  useEffect(() => {
    if (sendingId === null || !isOpened.current) return;
    aim.current = null;
    thread.scrollToEnd({ behavior: "instant" });
  }, [sendingId, thread]);
  // What is at the end while the end is in sight has been seen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is unread only now is seen now
  useEffect(() => {
    if (!isAtEnd || newestAt === "") return;
    const isAbove = box.current !== null && !isNearEnd(box.current); // where it has opened
    if (isAbove) setAtEnd(false);
    if (isAbove && isUnread) {
      setSeenTo((known) => known ?? newestAt);
      return;
    }
    setSeenTo(newestAt);
    const look = () => {
      if (document.visibilityState === "visible") void desk.seen(id).catch(() => {});
    };
    look();
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, [desk, id, isAtEnd, isUnread, isUnseen, newestAt]);
  const toLatest = () => {
    leave();
    thread.scrollToEnd({ behavior: "instant" });
    box.current?.focus();
  };
  const newer = isAtEnd || seenTo === null ? 0 : countAfter(messages, seenTo, desk.me.id);

  const context = useContextOf(conversation, (mid) => {
    const row = rows.find((row) => row.message.mid === mid);
    if (row) goTo({ key: row.message.id });
  });

  return (
    <div className="thread-box">
      <section
        className="scroller thread"
        id="thread"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
        tabIndex={0}
        aria-label={t("thread.label")}
        onScroll={onScroll}
        onWheel={leave}
        onTouchMove={leave}
        onKeyDown={leave}
        onPointerDown={leave}
      >
        <Top query={query} isEmpty={rows.length === 0} isSeeking={isSeeking} />
        <ul className="measure" style={{ height: thread.getTotalSize(), position: "relative" }}>
          {virtual.map(({ index, key, start }) => (
            <li
              key={key}
              ref={thread.measureElement}
              data-index={index}
              className="place"
              aria-setsize={hasNextPage ? -1 : shown.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${start}px)` }}
            >
              <Entry item={shown[index] as Item} context={context} isLinked={shown[index]?.key === message} />
            </li>
          ))}
        </ul>
      </section>
      {!isAtEnd && (
        <button type="button" className="pill latest" onClick={toLatest}>
          <Icon name="down" />
          {newer > 0 ? t("thread.new", { count: newer }) : t("thread.latest")}
        </button>
      )}
      <Announcer rows={rows} context={context} />
    </div>
  );
}

function Entry({ item, context, isLinked }: { item: Item; context: Context; isLinked: boolean }) {
  if (item.is === "day") return <Day at={item.at} />;
  if (item.is === "unread") return <p className="unread-line">{t("thread.unread")}</p>;
  return (
    <div className={isLinked ? "linked" : undefined}>
      <MessageView message={item.row.message} relations={item.row.relations} context={context} />
    </div>
  );
}

function Day({ at }: { at: string }) {
  const name = useNow((now) => dayName(at, now));
  return <p className="day">{name}</p>;
}

/** What is above the rows: more to come, a fault, or the beginning. */
function Top({ query, isEmpty, isSeeking }: { query: History; isEmpty: boolean; isSeeking: boolean }) {
  const { isPending, isError, error, hasNextPage, isFetchingNextPage, refetch, fetchNextPage } = query;
  if (isPending)
    return (
      <p className="thread-top" role="status">
        {t("thread.loading")}
      </p>
    );
  if (isError) {
    const again = () => {
      void (isEmpty ? refetch() : fetchNextPage());
      toMessages();
    };
    return (
      <p className="thread-top" role="alert">
        {error.message}{" "}
        <button type="button" className="quiet-button" onClick={again}>
          {t("again")}
        </button>
      </p>
    );
  }
  if (isSeeking && hasNextPage)
    return (
      <p className="thread-top" role="status">
        {t("thread.seeking")}
      </p>
    );
  if (isFetchingNextPage) return <p className="thread-top">{t("thread.older")}</p>;
  return hasNextPage ? <p className="thread-top" /> : <p className="thread-top">{t("thread.beginning")}</p>;
}

/** The same object as long as nothing of it changes, so that rows are not rendered anew. */
function useContextOf(conversation: Conversation, onQuote: (mid: string) => void): Context {
  const desk = useDesk();
  const { id, delivered_at, read_at } = conversation;
  const { status, q } = usePlace();
  const customer = customerOf(conversation);
  const quote = useRef(onQuote);
  quote.current = onQuote;
  return useMemo<Context>(
    () => ({
      customer,
      me: desk.me.id,
      deliveredAt: delivered_at,
      readAt: read_at,
      onQuote: (mid) => quote.current(mid),
      onRetry: (message) => {
        void desk.retry(id, message);
        toMessages();
      },
      onEdit: (message) => {
        draft(id, [message.text ?? "", drafts.get()[id] ?? ""].filter(Boolean).join("\n"));
        putAway(desk, message);
        document.getElementById("composer")?.focus();
      },
      onDiscard: (message) => {
        putAway(desk, message);
        toMessages();
      },
      linkTo: (message) => format({ status, q, conversation: id, message: message.id }),
    }),
    [desk, id, status, q, customer, delivered_at, read_at],
  );
}

/** Where the focus goes when the button that had it does. */
function toMessages(): void {
  document.getElementById("thread")?.focus();
}

function putAway(desk: Desk, message: Message): void {
  const clientId = clientIdOf(message);
  if (clientId !== null) desk.discard(clientId);
  discarded.update((all) => [...all.filter((one) => one !== message.id).slice(-500), message.id]);
}

/** How many have said something since then, but for the operator `me`. */
function countAfter(messages: readonly Message[], time: string, me: string): number {
  return messages.filter(({ sent_at, author, by }) => sent_at > time && author !== "system" && by?.id !== me).length;
}

/** When anybody but the operator `me` has said something last. */
function newestOf(messages: readonly Message[], me: string): string {
  let newest = "";
  for (const { sent_at, by } of messages) if (by?.id !== me && sent_at > newest) newest = sent_at;
  return newest;
}

function isNearEnd(element: HTMLElement, height = element.clientHeight): boolean {
  return element.scrollHeight - element.scrollTop - height < NEAR_END;
}
