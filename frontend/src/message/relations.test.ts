import { describe, expect, it } from "vitest";
import type { Message } from "../api/types";
import { message } from "../test/samples";
import { arrange, stateAt } from "./relations";

let number = 0;
function row(own: Partial<Message> = {}): Message {
  number += 1;
  const mid = own.mid === undefined ? String(number) : own.mid;
  return message({ id: `m:${number}`, sent_at: at(number), ...own, mid });
}

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 31, 12) + seconds * 1000).toISOString();
}

function about(kind: string, target: string, own: Partial<Message> = {}): Message {
  return row({ kind, target, text: null, mid: kind === "deleted" ? target : null, ...own });
}

describe("arrange", () => {
  it("makes reactions, edits and deletions part of their message where that is loaded", () => {
    const said = row({ mid: "a" });
    const rows = arrange([
      said,
      about("reaction", "a", { emoji: "👍", action: "react" }),
      about("edit", "a", { text: "better" }),
      about("deleted", "a"),
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.relations).toMatchObject({
      edited: "better",
      isDeleted: true,
      reactions: [{ emoji: "👍", author: "user" }],
    });
  });

  it("keeps them as rows where it is not", () => {
    const rows = arrange([about("reaction", "x", { emoji: "👍" }), about("deleted", "y")]);
    expect(rows.map(({ message }) => message.kind)).toEqual(["reaction", "deleted"]);
  });

  it("knows one reaction of each, and none that was taken back", () => {
    const said = row({ mid: "a" });
    const changed = [about("reaction", "a", { emoji: "👍" }), about("reaction", "a", { emoji: "❤" })];
    expect(arrange([said, ...changed])[0]?.relations.reactions).toEqual([{ emoji: "❤", author: "user" }]);
    const taken = about("reaction", "a", { action: "unreact" });
    expect(arrange([said, ...changed, taken])[0]?.relations.reactions).toEqual([]);
  });

  it("finds what a message answers", () => {
    const asked = row({ mid: "a" });
    const rows = arrange([asked, row({ reply_to: "a" }), row({ reply_to: "gone" }), row()]);
    expect(rows.map(({ relations }) => relations.quoted)).toEqual([undefined, asked, null, undefined]);
  });

  it("does not quote what was taken back", () => {
    const rows = arrange([row({ mid: "a" }), row({ reply_to: "a" }), about("deleted", "a")]);
    expect(rows.map(({ relations }) => relations.quoted)).toEqual([undefined, null]);
  });

  it("joins what the same voice goes on to say within minutes", () => {
    const bot = { author: "bot", by: { type: "bot", id: "bot", name: "Bot" } } as const;
    const rows = arrange([
      row(),
      row(),
      row(bot),
      row(bot),
      row({ kind: "paused", author: "system" }),
      row(bot),
      row({ ...bot, sent_at: at(3000) }),
    ]);
    expect(rows.map(({ relations }) => relations.isJoined)).toEqual([false, true, false, true, false, false, false]);
  });

  it("gives back the same rows where nothing changed", () => {
    const messages = [row({ mid: "a" }), row({ mid: "b", reply_to: "a" }), row()];
    const first = arrange(messages);
    const known = new Map(first.map((each) => [each.message.id, each]));
    const second = arrange([...messages, about("reaction", "b", { emoji: "👍" })], known);
    expect(second.map((each, index) => each === first[index])).toEqual([true, false, true]);
  });
});

describe("stateAt", () => {
  const sent = row({ author: "operator", state: "sent", sent_at: at(10) });
  it("follows watermarks forwards and never touches what failed or what the user said", () => {
    expect(stateAt(sent, null, null)).toBe("sent");
    expect(stateAt(sent, at(9), null)).toBe("sent");
    expect(stateAt(sent, at(10), null)).toBe("delivered");
    expect(stateAt(sent, at(10), at(10))).toBe("read");
    expect(stateAt({ ...sent, state: "failed" }, at(20), at(20))).toBe("failed");
    expect(stateAt({ ...sent, author: "user", state: "delivered" }, at(20), at(20))).toBe("delivered");
  });
});
