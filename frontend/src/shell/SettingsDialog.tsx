import { useDesk } from "../desk";
import { chime } from "../live/notify";
import { useSession } from "../sign-in/context";
import { useCell } from "../state/cell";
import { choose, type Settings, settings } from "../state/settings";
import { LANGUAGES, NAMES, t } from "../words";
import { Dialog } from "./Dialog";

/** What an operator can choose. Everything applies at once. */
export default function SettingsDialog() {
  const now = useCell(settings);
  const session = useSession();
  const me = useDesk().me;
  const canNotify = "Notification" in globalThis;
  return (
    <Dialog title={t("settings.title")}>
      <div className="settings">
        <Choice
          name="theme"
          words={t("settings.theme")}
          value={now.theme}
          options={["system", "light", "dark"]}
          say={(one) => t(`settings.theme.${one}`)}
        />
        <Choice
          name="language"
          words={t("settings.language")}
          value={now.language}
          options={LANGUAGES}
          say={(one) => NAMES[one]}
        />
        <Choice
          name="send"
          words={t("settings.send")}
          value={now.send}
          options={["enter", "ctrl-enter"]}
          say={(one) => t(`settings.send.${one}`)}
        />
        <Switch
          words={t("settings.notifications")}
          hint={t(
            canNotify && Notification.permission === "denied"
              ? "settings.notifications.denied"
              : "settings.notifications.hint",
          )}
          isOn={now.notifications}
          turn={async (isOn) => {
            if (isOn && canNotify && Notification.permission === "default") await Notification.requestPermission();
            choose({ notifications: isOn && canNotify && Notification.permission === "granted" });
          }}
        />
        <Switch
          words={t("settings.sound")}
          hint={t("settings.sound.hint")}
          isOn={now.sound}
          turn={(isOn) => {
            choose({ sound: isOn });
            if (isOn) chime();
          }}
        />
        <Switch
          words={t("settings.shortcuts")}
          hint={t("settings.shortcuts.hint")}
          isOn={now.shortcuts}
          turn={(isOn) => choose({ shortcuts: isOn })}
        />
      </div>
      <p className="signed-in">
        {t("settings.signed-in", { name: me.name })}
        <button type="button" className="quiet-button" onClick={() => void session.signOut()}>
          {t("sign-out")}
        </button>
      </p>
    </Dialog>
  );
}

interface ChoiceProps<Name extends "theme" | "language" | "send"> {
  name: Name;
  words: string;
  value: Settings[Name];
  options: readonly Settings[Name][];
  say: (option: Settings[Name]) => string;
}

function Choice<Name extends "theme" | "language" | "send">({ name, words, value, options, say }: ChoiceProps<Name>) {
  return (
    <fieldset>
      <legend>{words}</legend>
      <div className="segments">
        {options.map((option) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === value} onChange={() => choose({ [name]: option })} />
            <span>{say(option)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Switch({
  words,
  hint,
  isOn,
  turn,
}: {
  words: string;
  hint: string;
  isOn: boolean;
  turn: (isOn: boolean) => void;
}) {
  return (
    <div className="switch-row">
      <div>
        <p>{words}</p>
        <p className="quiet">{hint}</p>
      </div>
      <button type="button" role="switch" aria-checked={isOn} aria-label={words} onClick={() => turn(!isOn)}>
        <i />
      </button>
    </div>
  );
}
