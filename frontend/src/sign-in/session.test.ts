import { beforeEach, describe, expect, it } from "vitest";
import type { Config } from "../config";
import { openSession } from "./session";

const config: Config = {
  api: "/api",
  issuer: "https://issuer.test/pool",
  client_id: "dashboard",
  scope: "openid",
  token: "access_token",
};
const KEY = "oidc.user:https://issuer.test/pool:dashboard";

function keep(own: object = {}) {
  const user = {
    access_token: "access",
    id_token: "id",
    expires_at: Date.now() / 1000 + 3600,
    profile: { sub: "ana", name: "Ana" },
    ...own,
  };
  localStorage.setItem(KEY, JSON.stringify(user));
}

describe("a session", () => {
  beforeEach(() => localStorage.clear());

  it("begins with what an earlier sign-in has left", async () => {
    keep();
    const session = await openSession(config);
    expect(session.person).toEqual({ id: "ana", name: "Ana" });
    expect(await session.token()).toBe("access");
  });

  it("gives the API the kind of token that it takes", async () => {
    keep();
    const session = await openSession({ ...config, token: "id_token" });
    expect(await session.token()).toBe("id");
  });

  it("is nobody's without one, or with one that cannot be read", async () => {
    expect((await openSession(config)).person).toBeNull();
    localStorage.setItem(KEY, '{"access_token": 1}');
    expect((await openSession(config)).person).toBeNull();
  });

  it("says when it has run out and cannot be renewed", async () => {
    keep();
    const session = await openSession(config);
    keep({ expires_at: Date.now() / 1000 - 1 });
    expect(await session.token()).toBeNull();
    expect(session.expired.get()).toBe(true);
  });
});
