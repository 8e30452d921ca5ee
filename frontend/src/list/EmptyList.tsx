import type { Status } from "../api/types";
import { go } from "../place";
import { t } from "../words";

/** Why there is nothing here, and what to do about it. */
export function EmptyList({ status, q }: { status: Status; q: string }) {
  if (q !== "") {
    const clear = () => {
      go({ q: "" });
      document.getElementById("list")?.focus();
    };
    return (
      <div className="empty" role="status">
        <p className="strong">{t("empty.search", { q })}</p>
        <p>{t("empty.search.hint")}</p>
        <button type="button" className="quiet-button" onClick={clear}>
          {t("empty.search.clear")}
        </button>
      </div>
    );
  }
  if (status === "all") return <FirstRun />;
  return (
    <div className="empty" role="status">
      <p className="strong">{t(`empty.${status}`)}</p>
      <p>{t(`empty.${status}.hint`)}</p>
    </div>
  );
}

function FirstRun() {
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return (
    <div className="empty" role="status">
      <p className="strong">{t("empty.all")}</p>
      <p>{t("empty.all.hint")}</p>
      <p>
        <code>{`${location.origin}/api/webhook`}</code>
      </p>
      {isHere && (
        <p>
          <a href="/simulator/" target="_blank" rel="noopener">
            {t("empty.simulator")}
          </a>
        </p>
      )}
    </div>
  );
}
