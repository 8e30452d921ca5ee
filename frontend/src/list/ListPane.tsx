import { useEffect, useRef } from "react";
import { useDesk } from "../desk";
import { usePlace } from "../place";
import { ConnectionLine } from "../shell/ConnectionLine";
import { Menu } from "../shell/Menu";
import { t } from "../words";
import { ConversationList } from "./ConversationList";
import { Filters } from "./Filters";
import { Search } from "./Search";

/** Everybody, and who waits. */
export function ListPane() {
  const { conversation } = usePlace();
  const Title = conversation === null ? "h1" : "h2";
  const me = useDesk().me;
  const wasOpen = useRef(false);
  // What had the focus has gone with the conversation.
  useEffect(() => {
    if (conversation === null && wasOpen.current && document.activeElement === document.body) {
      document.getElementById("list")?.focus();
    }
    wasOpen.current = conversation !== null;
  }, [conversation]);
  return (
    <div className="list-pane">
      <header>
        <Title>{t("app.title")}</Title>
        <Menu />
      </header>
      <Filters />
      <Search />
      <ConversationList />
      <footer>
        <span className="me">{me.name}</span>
        <ConnectionLine />
      </footer>
    </div>
  );
}
