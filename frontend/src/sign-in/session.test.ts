import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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

  it("speaks in nobody else's name who has signed in since, in another tab", async () => {
    keep();
    const session = await openSession(config);
    keep({ profile: { sub: "ben", name: "Ben" } });
    expect(await session.token()).toBeNull();
    expect(session.expired.get()).toBe(true);
  });

  it("says when it has run out and cannot be renewed", async () => {
    keep();
    const session = await openSession(config);
    keep({ expires_at: Date.now() / 1000 - 1 });
    expect(await session.token()).toBeNull();
    expect(session.expired.get()).toBe(true);
  });
});

describe("a session that has run out", () => {
  const provider = vi.fn<typeof fetch>();
  const json = (status: number, content: object) =>
    new Response(JSON.stringify(content), { status, headers: { "Content-Type": "application/json" } });
  const answering = (answer: () => Promise<Response>) =>
    provider.mockImplementation(async (input) => {
      const isMetadata = String(input).endsWith("openid-configuration");
      return isMetadata ? json(200, { token_endpoint: "https://issuer.test/token" }) : answer();
    });
  const granted = { access_token: "renewed", token_type: "Bearer", expires_in: 3600 };

  beforeEach(() => vi.stubGlobal("fetch", provider));
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
    vi.doUnmock("oidc-client-ts");
  });

  async function ranOut() {
    localStorage.clear();
    keep();
    const session = await openSession(config);
    keep({ expires_at: Date.now() / 1000 - 1, refresh_token: "refresh" });
    return session;
  }

  it("is renewed once the network is back, and has not ended before", async () => {
    const session = await ranOut();
    answering(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(session.token()).rejects.toThrow("Failed to fetch");
    expect(session.expired.get()).toBe(false);
    answering(async () => json(200, granted));
    expect(await session.token()).toBe("renewed");
  });

  it("has ended where the provider says so", async () => {
    const session = await ranOut();
    answering(async () => json(400, { error: "invalid_grant" }));
    expect(await session.token()).toBeNull();
    expect(session.expired.get()).toBe(true);
  });

  it.each(["configuration", "token"])("waits for no provider whose %s does not come", async (what) => {
    const session = await ranOut();
    await import("oidc-client-ts");
    const hangs: typeof fetch = (_, init) =>
      new Promise((_, fail) => {
        init?.signal?.addEventListener("abort", () => fail(new DOMException("Aborted", "AbortError")));
      });
    answering(async () => json(200, granted));
    const answers = provider.getMockImplementation() as typeof fetch;
    provider.mockImplementation((input, init) => (String(input).endsWith(what) ? hangs : answers)(input, init));
    vi.useFakeTimers();
    const asked = expect(session.token()).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(11_000);
    await asked;
  });

  it("is renewed by a library that could not be loaded at first", async () => {
    const session = await ranOut();
    answering(async () => json(200, granted));
    vi.doMock("oidc-client-ts", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(session.token()).rejects.toThrow();
    vi.doUnmock("oidc-client-ts");
    expect(await session.token()).toBe("renewed");
  });
});
