import { act, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Api } from "../api/client";
import type { Conversation } from "../api/types";
import { learn } from "../state/conversations";
import { deskOf, server, show } from "../test/desk";
import { AT, conversation, message } from "../test/samples";
import Open from "./Open";

const HEIGHT = 600;
const at = (minute: number) => new Date(Date.parse(AT) + minute * 60_000).toISOString();
const said = (minute: number) => message({ id: `m:${minute}`, mid: `${minute}`, sent_at: at(minute) });
const after = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Nothing is laid out here: each row is 60 px high, and the thread ten of them. */
beforeEach(() => {
  const is = (of: "offsetHeight" | "clientHeight" | "scrollHeight", height: (element: HTMLElement) => number) =>
    vi.spyOn(HTMLElement.prototype, of, "get").mockImplementation(function (this: HTMLElement) {
      return height(this);
    });
  is("offsetHeight", ({ id }) => (id === "thread" ? HEIGHT : 60));
  is("clientHeight", () => HEIGHT);
  is("scrollHeight", (element) => Number.parseFloat(element.querySelector("ul")?.style.height ?? "0"));
  vi.spyOn(Element.prototype, "scrollTo").mockImplementation(function (this: Element, to?: unknown) {
    this.scrollTop = Math.max(0, Math.min((to as ScrollToOptions).top ?? 0, this.scrollHeight - HEIGHT));
    setTimeout(() => this.dispatchEvent(new Event("scroll")));
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function opened(one: Conversation, own: Partial<Api>) {
  const desk = deskOf(server({ conversation: async () => one, ...own }), one);
  show(desk, <Open id={one.id} message={null} />);
  return desk;
}

it("stays where it has opened while older rows come, where nobody has ever looked at any", async () => {
  let reads = 0;
  const history: Api["history"] = async (_, cursor = "5000") => {
    reads += 1;
    await after(50);
    const messages = Array.from({ length: 50 }, (_, back) => said(Number(cursor) - back));
    return { messages, cursor: String(Number(cursor) - 50) };
  };
  const one = conversation({ unread: true });
  opened(one, { history, seen: async () => one });
  const isShown = () => expect(document.body.innerHTML).toContain("message=m%3A4951");
  await waitFor(isShown);
  await after(800);
  isShown();
  expect(reads).toBeLessThan(4);
});

it("has seen what it has shown before a poll said that it came", async () => {
  const one = conversation({ seen_at: at(0), version: 5 });
  const asked: string[] = [];
  const seen: Api["seen"] = async (id, until = "") => {
    asked.push(until);
    return { ...one, id, version: 7, last_activity_at: until };
  };
  let messages = [said(0)];
  const desk = opened(one, { history: async () => ({ messages, cursor: null }), seen });
  await after(50);
  messages = [said(1), said(0)];
  await desk.freshen(one.id);
  await after(50);
  expect(asked).toEqual([]);
  const told = { unread: true, version: 6, last_activity_at: at(1), last_user_message_at: at(1) };
  act(() => desk.conversations.update((state) => learn(state, [{ ...one, ...told }])));
  await waitFor(() => expect(asked).toEqual([at(1)]));
});

it("counts what comes while somebody reads further up, though nobody has looked before", async () => {
  const one = conversation({ unread: true, version: 5 });
  let newest = 100;
  const history = async () => ({
    messages: Array.from({ length: 50 }, (_, back) => said(newest - back)),
    cursor: null,
  });
  const desk = opened(one, { history, seen: async () => one });
  await waitFor(() => expect(document.querySelector(".latest")?.textContent).toBe("Jump to the latest"));
  newest = 101;
  await act(() => desk.freshen(one.id));
  await waitFor(() => expect(document.querySelector(".latest")?.textContent).toBe("1 new message"));
});
