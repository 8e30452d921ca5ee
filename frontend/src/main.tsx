/** Starts the dashboard: settings, config.json, sign-in, and then the views. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createApi } from "./api/client";
import { readConfig } from "./config";
import { createDesk, DeskProvider } from "./desk";
import { polling } from "./live/poll";
import { browserTabs } from "./live/tabs";
import { here } from "./place";
import { App } from "./shell/App";
import { SessionProvider } from "./sign-in/context";
import { NoStart } from "./sign-in/NoStart";
import { SignIn } from "./sign-in/SignIn";
import { openSession } from "./sign-in/session";
import { cell, useCell } from "./state/cell";
import { settings } from "./state/settings";
import "./style/index.css";
import { type Language, speak } from "./words";

async function start(): Promise<ReactNode> {
  const config = await readConfig();
  const session = await openSession(config);
  if (session.person === null) return <Spoken>{() => <SignIn session={session} />}</Spoken>;
  const queries = new QueryClient({
    defaultOptions: {
      queries: { staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false, retry: 1, structuralSharing: false },
    },
  });
  const api = createApi({
    base: new URL(config.api, location.href).href,
    token: session.token,
    unauthenticated: () => session.expired.update(() => true),
  });
  const desk = createDesk(api, polling(api, browserTabs("hitl.feed")), session.person, queries);
  // Asked for before anything is rendered, so that the answer is on its way meanwhile.
  const { status, q } = here();
  void desk.load(status, q);
  return (
    <QueryClientProvider client={queries}>
      <SessionProvider value={session}>
        <DeskProvider value={desk}>
          <Spoken>{() => <App />}</Spoken>
        </DeskProvider>
      </SessionProvider>
    </QueryClientProvider>
  );
}

/** Renders all anew in another language. */
function Spoken({ children }: { children: () => ReactNode }) {
  const language = useCell(spoken);
  return (
    <div key={language} className="whole">
      {children()}
    </div>
  );
}

/** The language that is spoken, once its words are here. */
const spoken = cell<Language>("en");

async function adopt(): Promise<void> {
  const { theme, language } = settings.get();
  document.documentElement.dataset.theme = theme;
  if (language === spoken.get()) return;
  await speak(language);
  spoken.update(() => language);
}

settings.subscribe(() => void adopt());
await adopt().catch(() => {}); // without its words it speaks English
const element = document.getElementById("root");
if (element) {
  const root = createRoot(element);
  start().then(
    (whole) => root.render(<StrictMode>{whole}</StrictMode>),
    (error) => root.render(<NoStart detail={String(error instanceof Error ? error.message : error)} />),
  );
}
