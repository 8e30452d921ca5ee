import { Component, type ReactNode } from "react";
import { go } from "../place";
import { t } from "../words";

/** A fault in one conversation or dialog takes nothing else with it. */
export class Boundary extends Component<{ children: ReactNode; instead?: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    const { children, instead } = this.props;
    if (!this.state.isBroken) return children;
    if (instead !== undefined) return instead;
    return (
      <div className="thread-pane">
        <div className="empty middle" role="alert">
          <h1>{t("broken.title")}</h1>
          <p>{t("broken.hint")}</p>
          <button type="button" className="primary" onClick={() => location.reload()}>
            {t("broken.reload")}
          </button>
          <button type="button" className="quiet-button" onClick={() => go({ conversation: null })}>
            {t("thread.back")}
          </button>
        </div>
      </div>
    );
  }
}
