import { useState } from "react";
import { t } from "../words";
import type { Session } from "./session";

/** Before anything else. */
export function SignIn({ session }: { session: Session }) {
  const [state, setState] = useState<"ready" | "leaving" | "failed">("ready");
  const signIn = () => {
    setState("leaving");
    session.signIn().catch(() => setState("failed"));
  };
  return (
    <main className="front">
      <div>
        <img src="/icon.svg" alt="" width={48} height={48} />
        <h1>{t("sign-in.title")}</h1>
        <p>{t("sign-in.hint")}</p>
        <button type="button" className="primary" disabled={state === "leaving"} onClick={signIn}>
          {t(state === "leaving" ? "sign-in.leaving" : "sign-in")}
        </button>
        {state === "failed" && (
          <p className="fault" role="alert">
            {t("sign-in.failed")}
          </p>
        )}
      </div>
    </main>
  );
}
