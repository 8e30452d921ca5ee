import { act, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Stop } from "../api/types";
import { SessionProvider } from "../sign-in/context";
import type { Session } from "../sign-in/session";
import { cell } from "../state/cell";
import { deskOf, server, show } from "../test/desk";
import { AT } from "../test/samples";
import { Banners } from "./Banners";

function banners({ since = "", by = null as Stop["by"], isExpired = false, signIn = () => Promise.resolve() }) {
  const stop = { paused: since !== "", reason: null, by, since };
  const desk = deskOf(server({ stop: () => Promise.resolve(stop) }));
  desk.queries.setQueryData(["stop"], stop);
  const session = { expired: cell(isExpired), signIn } as Partial<Session> as Session;
  show(
    desk,
    <SessionProvider value={session}>
      <Banners />
    </SessionProvider>,
  );
}

afterEach(() => vi.useRealTimers());

test("names the day of a stop that is not of today", () => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date(2026, 0, 31, 12) });
  banners({ since: new Date(2026, 0, 30, 9, 5).toISOString() });
  expect(screen.getByRole("status").textContent).toMatch(/yesterday, 0?9:05/);
});

test("says whose stop it is", () => {
  banners({ since: AT, by: { type: "operator", id: "ana", name: "Ana" } });
  expect(screen.getByRole("status").textContent).toContain("By you, ");
});

test("says where signing in again is not possible", async () => {
  banners({ isExpired: true, signIn: () => Promise.reject(new Error("offline")) });
  await act(async () => screen.getByRole("button", { name: "Sign in again" }).click());
  expect(screen.getByRole("alert").textContent).toContain("cannot be reached");
});
