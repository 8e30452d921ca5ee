import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { SessionProvider } from "../sign-in/context";
import { cell } from "../state/cell";
import { deskOf, server, show } from "../test/desk";
import { Banners } from "./Banners";

it("says where signing in again does not work", async () => {
  const desk = deskOf(server());
  const session = {
    person: { id: "ana", name: "Ana" },
    expired: cell(true),
    token: async () => null,
    signIn: () => Promise.reject(new TypeError("Failed to fetch")),
    signOut: async () => {},
  };
  show(
    desk,
    <SessionProvider value={session}>
      <Banners />
    </SessionProvider>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Sign in again" }));
  await waitFor(() => expect(desk.toasts.get()[0]?.words).toMatch(/sign-in page/));
});
