import { act, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { learn } from "../state/conversations";
import { draft } from "../state/drafts";
import { deskOf, server, show } from "../test/desk";
import { AT, conversation, waiting } from "../test/samples";
import { Row } from "./Row";

const ID = "messenger:100:200";

function row(one = conversation()) {
  const desk = deskOf(server(), one);
  show(desk, <Row id={one.id} status="all" q="" isOpen={false} />);
  return { desk, text: () => screen.getByRole("link").textContent };
}

describe("a row", () => {
  it("says who, the last words and whose they are, and that the bot has the word", () => {
    const last_message = { id: "m:1", author: "bot", by: null, text: "Hi!", sent_at: AT } as const;
    const { text } = row(conversation({ last_message }));
    expect(text()).toMatch(/Ana Ito.*Bot: Hi!.*Bot$/);
  });

  it("says how long somebody has waited, in words", () => {
    const { text } = row(waiting(new Date(Date.now() - 12.5 * 60_000).toISOString()));
    expect(text()).toMatch(/Waits 12 min$/);
    expect(screen.getByRole("link").querySelector(".waits-2")).not.toBeNull();
  });

  it("follows its conversation", () => {
    const { desk, text } = row();
    act(() =>
      desk.conversations.update((state) => learn(state, [conversation({ version: 2, name: "Anna", unread: true })])),
    );
    expect(text()).toContain("Anna (unread)");
  });

  it("shows a draft in place of the last words", () => {
    const { text } = row();
    act(() => draft(ID, "Half a thought"));
    expect(text()).toContain("Draft: Half a thought");
    act(() => draft(ID, ""));
    expect(text()).toContain("Hello");
  });

  it.each([
    ["\u202eevil\u202c", "evil"],
    ["\u200b\u2060", "Customer …0200"],
    [" ", "Customer …0200"],
  ])("calls by a name that can be read and turns nothing around: %j", (name, called) => {
    row(conversation({ name, user_id: "10200", id: ID }));
    expect(screen.getByRole("link").querySelector(".who")?.textContent).toBe(called);
  });

  it.each([
    ["[image]", "Image"],
    ["[template]", "Cards or buttons"],
    ["[deleted]", "Took a message back"],
    ["[constructor]", "[constructor]"],
    ["[I mean it]", "[I mean it]"],
  ])("says in words what is no text: %s", (text, words) => {
    const last_message = { id: "m:1", author: "user", by: null, text, sent_at: AT } as const;
    row(conversation({ id: ID, last_message }));
    expect(screen.getByRole("link").querySelector(".said")?.textContent).toBe(words);
  });

  it("leads to the conversation under the same filter", () => {
    row();
    expect(screen.getByRole("link").getAttribute("href")).toBe(`#/all/${ID}`);
  });
});
