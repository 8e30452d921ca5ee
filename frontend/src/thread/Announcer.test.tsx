import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Message } from "../api/types";
import { arrange } from "../message/relations";
import { message, time } from "../test/samples";
import { Announcer } from "./Announcer";

const user = (at: number, text: string) => message({ id: `m:${at}`, mid: `${at}`, text, sent_at: time(at) });
const operator = (by: string, state: Message["state"]) =>
  message({ id: `s:${by}`, author: "operator", by: { type: "operator", id: by, name: by }, state, sent_at: time(8) });

test("says what the user says from now on, and what becomes of one's own sends", () => {
  const announcer = (...messages: Message[]) => (
    <Announcer rows={arrange(messages, new Map())} context={{ customer: "Mei", me: "ana" } as never} />
  );
  const { rerender } = render(announcer(user(2, "old")));
  const log = screen.getByRole("log");
  const says = (words: string, ...messages: Message[]) => {
    rerender(announcer(...messages));
    expect(log.textContent).toBe(words);
  };
  const bot = message({ id: "m:bot", author: "bot", text: "Hi", sent_at: time(5) });
  says("", user(1, "older"), user(2, "old"));
  says("Mei: new\nMei: newer", user(2, "old"), user(3, "new"), user(4, "newer"), bot);
  const before = log.firstElementChild;
  const known = [user(2, "old"), user(3, "new"), user(4, "newer"), bot];
  says("Mei: newer", ...known, user(6, "newer"));
  expect(log.firstElementChild).not.toBe(before);
  says("Mei: newer", ...known, user(6, "newer"), operator("ana", "queued"), operator("ben", "queued"));
  const failure = { code: "transient" as const, message: "Too many.", can_retry: true };
  const failed = { ...operator("ana", "failed"), failure };
  says("Not sent: Too many.", ...known, user(6, "newer"), failed, operator("ben", "sent"));
});
