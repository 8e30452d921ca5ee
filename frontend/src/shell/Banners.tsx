import { useEffect, useState } from "react";
import { useDesk } from "../desk";
import { Icon } from "../icon/Icon";
import { dayAndClock } from "../message/times";
import { actor } from "../message/voice";
import { useSession } from "../sign-in/context";
import { useCell } from "../state/cell";
import { t } from "../words";
import { open } from "./dialogs";
import { usePages, useStop } from "./stop";

/** What is wrong or unusual for everybody, at the top; nothing on a usual day. */
export function Banners() {
  return (
    <>
      <SignedOut />
      <Offline />
      <Stopped />
      <PageFault />
    </>
  );
}

function SignedOut() {
  const session = useSession();
  const hasExpired = useCell(session.expired);
  const isRefused = useCell(useDesk().connection, (connection) => connection.is === "signed-out");
  const [hasFailed, setFailed] = useState(false);
  const signIn = () => {
    setFailed(false);
    session.signIn().catch(() => setFailed(true));
  };
  if (!hasExpired && !isRefused) return null;
  return (
    <div className="banner bad" role="alert">
      <Icon name="out" />
      <p>{t(hasFailed ? "sign-in.failed" : "banner.signed-out")}</p>
      <button type="button" className="primary" onClick={signIn}>
        {t("sign-in.again")}
      </button>
    </div>
  );
}

function Offline() {
  const connection = useCell(useDesk().connection);
  const isOnline = useOnline();
  const desk = useDesk();
  if (isOnline && connection.is !== "reconnecting") return null;
  return (
    <div className="banner" role="status">
      <Icon name="alert" />
      <p>
        {t(isOnline ? "banner.reconnecting" : "banner.offline")}
        {connection.since !== null &&
          ` ${t("banner.since", { time: dayAndClock(new Date(connection.since).toISOString(), Date.now()) })}`}
      </p>
      {isOnline && (
        <button type="button" className="quiet-button" onClick={desk.hurry}>
          {t("again")}
        </button>
      )}
    </div>
  );
}

function Stopped() {
  const stop = useStop().data;
  const desk = useDesk();
  if (!stop?.paused) return null;
  const who = actor({ author: stop.by?.type ?? "system", by: stop.by }, { customer: "", me: desk.me.id });
  return (
    <div className="banner strong" role="status">
      <Icon name="stop" />
      <p dir="auto">
        <b>{t("banner.stopped")}</b>{" "}
        {stop.since ? t("banner.stopped.by", { who, time: dayAndClock(stop.since, Date.now()) }) : null}
        {stop.reason && <q>{stop.reason}</q>}
      </p>
      <button type="button" className="primary" onClick={() => open("stop")}>
        {t("stop.lift")}
      </button>
    </div>
  );
}

function PageFault() {
  const pages = usePages().data?.pages ?? [];
  return pages.map(
    ({ id, disconnected }) =>
      disconnected !== null && (
        <div className="banner bad" role="alert" key={id}>
          <Icon name="alert" />
          <p>
            <b>{t("banner.page", { page: id, time: dayAndClock(disconnected.since, Date.now()) })}</b>{" "}
            {disconnected.reason}
          </p>
        </div>
      ),
  );
}

function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  return isOnline;
}
