import { useMemo, useState } from "react";
import type { Stop } from "../api/types";
import { type Desk, useDesk } from "../desk";
import { isComposing } from "../keys";
import { customerOf } from "../list/customer";
import { go, STATUSES } from "../place";
import { useCell } from "../state/cell";
import { t } from "../words";
import { Dialog } from "./Dialog";
import { close, open } from "./dialogs";
import { current } from "./moves";

interface Command {
  id: string;
  words: string;
  run: () => void;
}

const SHOWN = 9;

/** Everything by its name: people that are known, and what can be done. */
export default function Palette() {
  const desk = useDesk();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const byId = useCell(desk.conversations, (state) => state.byId);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const hits = commands(desk).filter(({ words }) => words.toLowerCase().includes(wanted));
    if (wanted !== "") {
      for (const one of byId.values()) {
        if (hits.length >= SHOWN) break;
        const words = customerOf(one);
        if (`${words} ${one.user_id}`.toLowerCase().includes(wanted)) {
          hits.unshift({ id: one.id, words, run: () => go({ conversation: one.id }) });
        }
      }
    }
    return hits.slice(0, SHOWN);
  }, [desk, byId, text]);
  const chosen = Math.min(at, found.length - 1);
  const run = (command: Command | undefined) => {
    if (command === undefined) return;
    close();
    command.run();
  };
  return (
    <Dialog title={t("palette.title")} className="palette">
      <input
        data-first
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-options"
        aria-activedescendant={found[chosen] ? `option-${chosen}` : undefined}
        aria-label={t("palette.label")}
        placeholder={t("palette.label")}
        value={text}
        autoComplete="off"
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (isComposing(event.nativeEvent)) return;
          if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, found.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
          else if (event.key === "Enter") run(found[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <div role="listbox" id="palette-options" aria-label={t("palette.title")}>
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={command.id}
            id={`option-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onPointerMove={() => setAt(index)}
            onClick={() => run(command)}
          >
            <span dir="auto">{command.words}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="quiet">{t("palette.none")}</p>}
    </Dialog>
  );
}

function commands(desk: Desk): Command[] {
  const isStopped = desk.queries.getQueryData<Stop>(["stop"])?.paused ?? false;
  const known = current(desk);
  return [
    ...(known === undefined
      ? []
      : [
          known.status === "active"
            ? { id: "pause", words: t("act.pause"), run: () => void desk.pause(known.id) }
            : { id: "resume", words: t("act.resume"), run: () => void desk.resume(known.id) },
        ]),
    ...STATUSES.map((status) => ({
      id: status,
      words: t("palette.show", { view: t(`filter.${status}`) }),
      run: () => go({ status, q: "" }),
    })),
    { id: "settings", words: t("settings.title"), run: () => open("settings") },
    { id: "help", words: t("help.title"), run: () => open("help") },
    { id: "stop", words: t(isStopped ? "stop.lift" : "stop.menu"), run: () => open("stop") },
  ];
}
