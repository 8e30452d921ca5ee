import { describe, expect, it } from "vitest";
import { ApiError, createApi } from "./client";

function answering(status: number, body: unknown) {
  const requests: Request[] = [];
  const refused: number[] = [];
  const api = createApi({
    base: "http://dashboard.test/api",
    token: async () => "hitl_token",
    unauthenticated: () => refused.push(status),
    fetch: async (request) => {
      requests.push(request as Request);
      return Response.json(body, { status });
    },
  });
  return { api, requests, refused };
}

describe("the API client", () => {
  it("asks with the bearer token and the escaped id", async () => {
    const { api, requests } = answering(200, { id: "messenger:1:2" });
    await api.pause("messenger:1:2", "Kim takes over");
    const request = requests[0] as Request;
    expect(request.method).toBe("POST");
    expect(decodeURIComponent(request.url)).toBe(
      "http://dashboard.test/api/botpress-hitl/sessions/messenger:1:2/pause",
    );
    expect(request.headers.get("Authorization")).toBe("Bearer hitl_token");
    expect(await request.json()).toEqual({ reason: "Kim takes over" });
  });

  it("keeps of a list only what is shown of it", async () => {
    const user = { author: "user", by: { type: "user", id: "2", name: "" } };
    const bot = { author: "bot", by: { type: "bot", id: "bot", name: "Bot" } };
    const { api } = answering(200, {
      sessions: [{ last_message: user }, { last_message: bot }, { last_message: null }],
    });
    const { sessions } = await api.list({});
    expect(sessions.map((one) => one.last_message?.by?.id)).toEqual([undefined, "bot", undefined]);
  });

  it("throws the server's sentence and says who is signed out", async () => {
    const { api, refused } = answering(401, { code: "unauthenticated", message: "Sign in again." });
    await expect(api.stop()).rejects.toMatchObject({ status: 401, message: "Sign in again.", passes: false });
    expect(refused).toEqual([401]);
  });

  it("makes one error of a network that fails", async () => {
    const api = createApi({
      base: "http://dashboard.test/api",
      token: async () => null,
      unauthenticated: () => {},
      fetch: async () => {
        throw new TypeError("fetch failed");
      },
    });
    await expect(api.stop()).rejects.toSatisfy((error) => error instanceof ApiError && error.passes);
  });
});
