import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deskOf, server, show } from "../test/desk";
import { AT, waiting } from "../test/samples";
import { ResumeMenu } from "./ResumeMenu";

describe("handing back with what was held", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is offered for a message that was held a moment after it came, and asked for no more than that", async () => {
    const one = waiting(AT);
    let [held, asked] = [0, 0];
    const conversation = async () => {
      asked += 1;
      return { ...one, held };
    };
    show(deskOf(server({ conversation }), one), <ResumeMenu conversation={one} />);
    await act(() => vi.advanceTimersByTimeAsync(1000));
    expect(screen.queryByRole("button")).toBeNull();
    held = 1;
    await act(() => vi.advanceTimersByTimeAsync(30_000));
    expect(screen.getAllByRole("button", { hidden: true }).length).toBeGreaterThan(0);
    expect(asked).toBe(2);
  });
});
