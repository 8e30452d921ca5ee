import { createContext, useContext } from "react";
import type { Session } from "./session";

const Context = createContext<Session | null>(null);
export const SessionProvider = Context.Provider;

export function useSession(): Session {
  const session = useContext(Context);
  if (session === null) throw new Error("There is no session around this.");
  return session;
}
