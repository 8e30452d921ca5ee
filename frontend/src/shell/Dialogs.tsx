import { lazy, Suspense } from "react";
import { useCell } from "../state/cell";
import { opened } from "./dialogs";

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
    <Suspense fallback={null}>
      <Open />
    </Suspense>
  );
}
