import { useDesk } from "../desk";
import { usePlace } from "../place";
import { ConnectionLine } from "../shell/ConnectionLine";
import { Menu } from "../shell/Menu";
import { useCell } from "../state/cell";
import { t } from "../words";
import { ConversationList } from "./ConversationList";
import { Filters } from "./Filters";
import { Search } from "./Search";

/** Everybody, and who waits. */
export function ListPane() {
  const { conversation } = usePlace();
  const Title = conversation === null ? "h1" : "h2";
  const me = useDesk().me;
  const waiting = useCell(useDesk().conversations, (state) => state.waiting);
  return (
    <section className="list-pane" aria-label={t("list.label")}>
      <header>
        <Title>{t("app.title")}</Title>
        <span className="hidden" role="status">
          {t("list.waiting", { count: waiting })}
        </span>
        <Menu />
      </header>
      <Filters />
      <Search />
      <ConversationList />
      <footer>
        <span className="me">{me.name}</span>
        <ConnectionLine />
      </footer>
    </section>
  );
}
