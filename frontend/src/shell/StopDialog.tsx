import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { reason, useDesk } from "../desk";
import { t } from "../words";
import { Dialog } from "./Dialog";
import { close } from "./dialogs";
import { useStop } from "./stop";

/** Asks before all bots are silenced, or let speak again. */
export default function StopDialog() {
  const desk = useDesk();
  // As it was when the question was put: the answer never means its opposite.
  const stop = useStop().data;
  const [isStopped] = useState(stop?.paused ?? false);
  const [why, setWhy] = useState("");
  const change = useMutation({
    mutationFn: () => desk.api.setStop(!isStopped, isStopped ? undefined : why.trim()),
    onSuccess: (stop) => {
      desk.queries.setQueryData(["stop"], stop);
      close();
      desk.hurry();
    },
  });
  return (
    <Dialog title={t(isStopped ? "stop.lift.title" : "stop.title")} className="narrow">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <p>{t(isStopped ? "stop.lift.hint" : "stop.hint")}</p>
        {!isStopped && (
          <label className="field">
            {t("stop.why")}
            <input
              data-first
              value={why}
              maxLength={500}
              onChange={(event) => setWhy(event.target.value)}
              placeholder={t("stop.why.hint")}
            />
          </label>
        )}
        {change.isError && (
          <p className="fault" role="alert">
            {reason(change.error)}
          </p>
        )}
        <div className="dialog-actions">
          <button type="button" className="quiet-button" onClick={close}>
            {t("cancel")}
          </button>
          <button type="submit" className={isStopped ? "primary" : "primary bad"} disabled={change.isPending}>
            {t(isStopped ? "stop.lift" : "stop.set")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
