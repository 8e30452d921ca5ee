import { execFileSync } from "node:child_process";
import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Message } from "../api/types";
import { MessageView } from "./MessageView";
import { arrange } from "./relations";
import { alone, faults, said } from "./testing";

/** What the API says of webhook bodies; made by the project's own parser, so that it is true by definition. */
const histories = execFileSync(".venv/bin/python", ["-m", "tests.histories"], { cwd: "..", encoding: "utf8" })
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { name: string; messages: Message[] });

const withMessages = histories.filter(({ messages }) => messages.length > 0);

describe("every message that Meta's webhook brings", () => {
  it("is there to be shown", () => {
    const kinds = new Set(withMessages.flatMap(({ messages }) => messages.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([
      "account_linking",
      "attachment",
      "deleted",
      "edit",
      "handover",
      "optin",
      "policy",
      "postback",
      "reaction",
      "referral",
      "text",
      "unknown",
      "unsupported",
    ]);
  });

  it.each(withMessages)("says something readable: $name", ({ messages }) => {
    for (const { message, relations } of arrange(messages)) {
      const { container } = render(<MessageView message={message} relations={relations} context={alone} />);
      expect([message.kind, said(container)]).toEqual([message.kind, expect.stringMatching(/[\p{L}\p{N}\p{S}]/u)]);
      if (message.text?.trim()) expect(container.textContent).toContain(message.text.slice(0, 1000));
      expect(faults(container)).toEqual([]);
    }
  });
});
