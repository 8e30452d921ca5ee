import { act, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { deskOf, server, show } from "../test/desk";
import StopDialog from "./StopDialog";

test("asks for a stop whatever a colleague does meanwhile, and not for its opposite", async () => {
  const calls = server();
  const desk = deskOf(calls);
  desk.queries.setQueryData(["stop"], { paused: false, reason: null, by: null, since: null });
  show(desk, <StopDialog />);
  await act(async () => {
    desk.queries.setQueryData(["stop"], { paused: true, reason: null, by: null, since: null });
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
  await act(async () => screen.getByRole("button", { name: "Stop all bots" }).click());
  expect(calls.asked.filter((what) => /^stop ./.test(what))).toEqual(["stop true"]);
});
