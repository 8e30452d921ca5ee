import { t } from "../words";
import { Dialog } from "./Dialog";
import { SHORTCUTS } from "./shortcuts";

/** All the keys. */
export default function Help() {
  return (
    <Dialog title={t("help.title")}>
      <dl className="keys">
        {SHORTCUTS.map(({ keys, words }) => (
          <div key={words}>
            <dt>{t(words)}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key === "Ctrl" ? t("keys.ctrl") : key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p className="quiet">{t("help.off")}</p>
    </Dialog>
  );
}
