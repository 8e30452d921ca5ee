import { lazy, Suspense, useEffect } from "react";
import { useDesk } from "../desk";
import { useCell } from "../state/cell";
import { t } from "../words";
import { Boundary } from "./Boundary";
import { close, opened } from "./dialogs";

const ALL = {
  help: lazy(() => import("./Help")),
  settings: lazy(() => import("./SettingsDialog")),
  stop: lazy(() => import("./StopDialog")),
  palette: lazy(() => import("./Palette")),
};

/** The open dialog; none is in the first bundle. */
export function Dialogs() {
  const name = useCell(opened);
  if (name === null) return null;
  const Open = ALL[name];
  return (
    <Boundary key={name} instead={<Missing />}>
      <Suspense fallback={null}>
        <Open />
      </Suspense>
    </Boundary>
  );
}

/** Without a connection, or after a newer version has taken this one's place, there is nothing to open. */
function Missing() {
  const desk = useDesk();
  useEffect(() => {
    close();
    desk.say(t("fault.unknown"));
  }, [desk]);
  return null;
}
