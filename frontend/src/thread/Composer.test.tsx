import { fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { choose } from "../state/settings";
import { deskOf, server, show } from "../test/desk";
import { AT, conversation, waiting } from "../test/samples";
import { Composer } from "./Composer";

function composing(one = waiting(AT)) {
  const calls = server();
  const desk = deskOf(calls, one);
  const { unmount } = show(desk, <Composer conversation={one} />);
  const area = screen.getByRole("textbox");
  const sends = () => calls.asked.filter((what) => what.startsWith("send"));
  const looks = () => calls.asked.filter((what) => what.startsWith("look"));
  return { area, sends, looks, unmount, type: (value: string) => fireEvent.change(area, { target: { value } }) };
}

afterEach(() => choose({ send: "enter" }));

describe("the composer", () => {
  it("says what sending does to the bot", () => {
    composing(conversation());
    expect(screen.getByText(/Sending pauses it first/)).toBeTruthy();
    expect(screen.getByRole("button", { name: /Pause and send/ })).toBeTruthy();
  });

  it("says who sends, and which key does what the button says", () => {
    const first = composing(conversation());
    expect(screen.getByText("as Ana")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Pause and send" }).textContent).toBe("Pause and send⏎");
    expect(screen.getByText("⇧ ⏎ makes a new line")).toBeTruthy();
    first.unmount();
    choose({ send: "ctrl-enter" });
    composing();
    expect(screen.getByRole("button", { name: "Send" }).textContent).toBe("SendCtrl ⏎");
    expect(screen.getByText("⏎ makes a new line")).toBeTruthy();
  });

  it("says how long Meta lets a person answer, and sends nothing after it", () => {
    const until = new Date(Date.now() + 90.5 * 60_000).toISOString();
    const open = composing(conversation({ window: { type: "response", until } }));
    expect(screen.getByText(/1 h 30 min left to answer/)).toBeTruthy();
    open.unmount();
    const { type, area, sends } = composing(conversation({ window: { type: "closed", until: AT } }));
    expect(screen.getByText(/must write again first/)).toBeTruthy();
    type("Hello");
    fireEvent.keyDown(area, { key: "Enter" });
    expect(sends()).toEqual([]);
    expect((area as HTMLTextAreaElement).value).toBe("Hello");
  });

  it("asks what holds once the time has run out, until the server's clock says so too", () => {
    vi.useFakeTimers();
    const { looks, unmount } = composing(conversation({ window: { type: "response", until: AT } }));
    expect(looks()).toHaveLength(1);
    vi.advanceTimersByTime(20_000);
    expect(looks()).toHaveLength(2);
    unmount();
    vi.advanceTimersByTime(60_000);
    expect(looks()).toHaveLength(2);
    vi.useRealTimers();
  });

  it("sends with Enter and not with Shift and Enter", () => {
    const { area, sends, type } = composing();
    type("Hello");
    fireEvent.keyDown(area, { key: "Enter", shiftKey: true });
    expect(sends()).toEqual([]);
    fireEvent.keyDown(area, { key: "Enter" });
    expect(sends()).toHaveLength(1);
    expect((area as HTMLTextAreaElement).value).toBe("");
  });

  it("leaves Enter to an input method that is composing", () => {
    const { area, sends, type } = composing();
    type("にほん");
    fireEvent.keyDown(area, { key: "Enter", isComposing: true });
    fireEvent.keyDown(area, { key: "Enter", keyCode: 229 });
    expect(sends()).toEqual([]);
  });

  it("sends with Ctrl and Enter only, where that was chosen", () => {
    choose({ send: "ctrl-enter" });
    const { area, sends, type } = composing();
    type("Hello");
    fireEvent.keyDown(area, { key: "Enter" });
    expect(sends()).toEqual([]);
    fireEvent.keyDown(area, { key: "Enter", ctrlKey: true });
    expect(sends()).toHaveLength(1);
  });

  it("counts near the limit, and offers to split beyond it", () => {
    const { type } = composing();
    type("a".repeat(1700));
    expect(screen.getByText("1,700 of 2,000 characters")).toBeTruthy();
    type(`${"a".repeat(1500)} ${"b".repeat(1500)}`);
    expect(screen.getByRole("button", { name: "Send 2 messages" })).toBeTruthy();
  });

  it("sends nothing but words", () => {
    const { area, sends, type } = composing();
    type("   ");
    fireEvent.keyDown(area, { key: "Enter" });
    expect(sends()).toEqual([]);
  });
});
