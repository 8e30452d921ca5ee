import { lazy, Suspense, useEffect } from "react";
import { usePlace } from "../place";
import { Boundary } from "../shell/Boundary";
import { NothingOpen } from "./NothingOpen";

const load = () => import("./Open");
const Open = lazy(load);
const BEFORE_IT_IS_WANTED_MS = 1500;

/** The open conversation, or what to do while none is. */
export function ThreadPane() {
  const { conversation, message } = usePlace();
  useEffect(() => {
    const timer = setTimeout(() => void load(), BEFORE_IT_IS_WANTED_MS);
    return () => clearTimeout(timer);
  }, []);
  if (conversation === null) return <NothingOpen />;
  return (
    <Boundary key={conversation}>
      <Suspense fallback={<div className="thread-pane" />}>
        <Open id={conversation} message={message} />
      </Suspense>
    </Boundary>
  );
}
