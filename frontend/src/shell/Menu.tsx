import { Icon, type IconName } from "../icon/Icon";
import { t } from "../words";
import { type Name, open } from "./dialogs";
import { useStop } from "./stop";

/** What concerns all conversations, or none. */
export function Menu() {
  const isStopped = useStop().data?.paused ?? false;
  return (
    <div className="menu">
      <Item name="stop" icon="stop" words={t(isStopped ? "stop.lift" : "stop.menu")} />
      <Item name="help" icon="help" words={t("help.title")} />
      <Item name="settings" icon="settings" words={t("settings.title")} />
    </div>
  );
}

function Item({ name, icon, words }: { name: Name; icon: IconName; words: string }) {
  return (
    <button type="button" className="icon-button" aria-label={words} title={words} onClick={() => open(name)}>
      <Icon name={icon} size={18} />
    </button>
  );
}
