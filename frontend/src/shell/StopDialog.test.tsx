import { onlineManager } from "@tanstack/react-query";
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import type { Stop } from "../api/types";
import { deskOf, server, show } from "../test/desk";
import StopDialog from "./StopDialog";

const stop = (paused: boolean): Stop => ({ paused, reason: null, by: null, since: null });

function asking(own: Parameters<typeof server>[0] = {}) {
  const calls = server(own);
  const desk = deskOf(calls);
  desk.queries.setQueryDefaults(["stop"], { staleTime: Number.POSITIVE_INFINITY });
  desk.queries.setQueryData(["stop"], stop(false));
  show(desk, <StopDialog />);
  const press = () => fireEvent.click(screen.getByRole("button", { name: "Stop all bots", hidden: true }));
  return { calls, desk, press, known: () => desk.queries.getQueryData<Stop>(["stop"])?.paused };
}

describe("stopping all bots", () => {
  it("lets none of them speak where a colleague has stopped them just before", async () => {
    const { calls, desk } = asking();
    const button = screen.getByRole("button", { name: "Stop all bots", hidden: true });
    desk.queries.setQueryData(["stop"], stop(true));
    await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
    fireEvent.click(button);
    await waitFor(() => expect(calls.asked).toContain("stop true"));
    expect(calls.asked).not.toContain("stop false");
  });

  it("is not done later, when nobody wants it any more, where there is no network now", async () => {
    onlineManager.setOnline(false);
    const { calls, press } = asking({ setStop: () => Promise.reject(new ApiError(0, "no_answer", "No answer.")) });
    press();
    expect(await screen.findByText("No answer.")).toBeTruthy();
    onlineManager.setOnline(true);
    expect(calls.asked).not.toContain("stop true");
  });

  it("shows them stopped, whatever was read before", async () => {
    let answer: (stop: Stop) => void = () => {};
    const { calls, desk, press, known } = asking({ stop: () => new Promise((give) => (answer = give)) });
    act(() => void desk.queries.invalidateQueries({ queryKey: ["stop"] }));
    press();
    await waitFor(() => expect(calls.asked).toContain("stop true"));
    await act(async () => answer(stop(false)));
    expect(known()).toBe(true);
  });
});
