import { useNow } from "../clock";
import { dayAndClock, moment } from "../message/times";

/** A moment in words that are true now, such as those of `ago`; all about it on pointing at it. */
export function When({ at, words = dayAndClock }: { at: string; words?: (at: string, now: number) => string }) {
  const shown = useNow((now) => words(at, now));
  return (
    <time dateTime={at} title={moment(at)}>
      {shown}
    </time>
  );
}
