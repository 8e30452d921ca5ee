import { Component, type ReactNode } from "react";
import { t } from "../words";

/** A fault in one conversation takes neither the list nor another conversation with it. */
export class Boundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    return (
      <div className="thread-pane">
        <div className="empty middle" role="alert">
          <h1>{t("broken.title")}</h1>
          <p>{t("broken.hint")}</p>
          <button type="button" className="primary" onClick={() => location.reload()}>
            {t("broken.reload")}
          </button>
        </div>
      </div>
    );
  }
}
