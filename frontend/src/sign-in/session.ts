/**
 * Who is signed in, with any OpenID provider: code flow with PKCE, renewed by its refresh token.
 *
 * The provider's library is loaded only to sign in, to renew and to sign out. Where it has left a token that is good,
 * that is enough to begin.
 */
import type { UserManager } from "oidc-client-ts";
import * as v from "valibot";
import type { Config } from "../config";
import { type Cell, cell } from "../state/cell";

export interface Person {
  id: string;
  name: string;
}

export interface Session {
  person: Person | null;
  /** Whether the sign-in has run out while the dashboard was open. */
  expired: Cell<boolean>;
  token(): Promise<string | null>;
  /** Leaves for the provider, and comes back to where the operator is now. */
  signIn(): Promise<void>;
  signOut(): Promise<void>;
}

/** What the library keeps of a sign-in, as far as it is read here. `expires_at` is in seconds. */
const Kept = v.object({
  access_token: v.string(),
  id_token: v.optional(v.string()),
  refresh_token: v.optional(v.string()),
  expires_at: v.number(),
  profile: v.object({
    sub: v.string(),
    name: v.optional(v.string()),
    preferred_username: v.optional(v.string()),
    email: v.optional(v.string()),
  }),
});
type Kept = v.InferOutput<typeof Kept>;

const RENEW_BEFORE_S = 60;
const TIMEOUT_S = 10;

/** The session that this browser has; comes back from the provider where the URL says so. */
export async function openSession(config: Config): Promise<Session> {
  const library = once(() => manager(config));
  const expired = cell(false);
  const query = new URLSearchParams(location.search);
  if (query.has("state") && (query.has("code") || query.has("error"))) await comeBack(await library());

  /** One tab renews; the others find what it has left. */
  async function current(): Promise<Kept | null> {
    const user = kept(config);
    if (user === null || left(user) > RENEW_BEFORE_S) return user;
    return locked(async () => {
      const user = kept(config);
      if (user === null || left(user) > RENEW_BEFORE_S) return user;
      try {
        const renewing = { silentRequestTimeoutInSeconds: TIMEOUT_S };
        if (user.refresh_token !== undefined) await (await library()).signinSilent(renewing);
      } catch (error) {
        // Only the provider's own word ends a sign-in: a laptop that wakes up has no network yet.
        if (left(user) <= 0 && !(error instanceof Error && error.name === "ErrorResponse")) throw error;
      }
      const renewed = kept(config);
      return renewed !== null && left(renewed) > 0 ? renewed : null;
    });
  }

  const user = await current().catch(() => null);
  const person = user === null ? null : personOf(user);
  return {
    person,
    expired,
    async token() {
      const user = await current();
      // Nobody speaks in another's name who has signed in since, in another tab.
      const isSame = user !== null && user.profile.sub === person?.id;
      expired.update(() => !isSame);
      if (!isSame) return null;
      return config.token === "id_token" ? (user.id_token ?? null) : user.access_token;
    },
    signIn: async () => (await library()).signinRedirect({ state: location.hash }),
    async signOut() {
      const manager = await library();
      // What OpenID Connect leaves out here, and Cognito's own word for where to come back to.
      const extraQueryParams = { client_id: config.client_id, logout_uri: root() };
      await manager
        .signoutRedirect({ extraQueryParams })
        .catch(() => manager.removeUser().then(() => location.reload()));
    },
  };
}

async function manager(config: Config): Promise<UserManager> {
  const { UserManager, WebStorageStateStore } = await import("oidc-client-ts");
  return new UserManager({
    authority: config.issuer,
    client_id: config.client_id,
    redirect_uri: root(),
    post_logout_redirect_uri: root(),
    scope: config.scope,
    requestTimeoutInSeconds: TIMEOUT_S,
    automaticSilentRenew: false,
    monitorSession: false,
    userStore: new WebStorageStateStore({ store: localStorage }),
  });
}

/** Where the dashboard is, and where the provider leads back to. */
function root(): string {
  return new URL(".", location.href.split(/[?#]/)[0]).href;
}

async function comeBack(manager: UserManager): Promise<void> {
  let hash = "";
  try {
    const user = await manager.signinCallback();
    hash = typeof user?.state === "string" ? user.state : "";
  } catch {
    // An old or forged answer: the sign-in screen comes again.
  }
  history.replaceState(null, "", `${location.pathname}${hash}`);
}

function kept({ issuer, client_id }: Config): Kept | null {
  try {
    return v.parse(Kept, JSON.parse(localStorage.getItem(`oidc.user:${issuer}:${client_id}`) ?? "null"));
  } catch {
    return null;
  }
}

/** Seconds that its token is still good for. */
function left(user: Kept): number {
  return user.expires_at - Date.now() / 1000;
}

function personOf({ profile }: Kept): Person {
  return { id: profile.sub, name: profile.name ?? profile.preferred_username ?? profile.email ?? profile.sub };
}

function locked<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks?.request("hitl.renew", work) ?? work();
}

/** Makes it once; again where that has failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
