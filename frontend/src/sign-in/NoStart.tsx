import { t } from "../words";

/** Where the dashboard cannot begin at all. */
export function NoStart({ detail }: { detail: string }) {
  return (
    <main className="front">
      <div>
        <h1>{t("no-start.title")}</h1>
        <p>{t("no-start.hint")}</p>
        <p className="fault">{detail}</p>
        <button type="button" className="primary" onClick={() => location.reload()}>
          {t("again")}
        </button>
      </div>
    </main>
  );
}
