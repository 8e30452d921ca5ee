import { waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Conversation } from "../api/types";
import { go, here } from "../place";
import { deskOf, server, show } from "../test/desk";
import { conversation } from "../test/samples";
import Open from "./Open";

it("opens the conversation of a user whose id alone a link has", async () => {
  const whole = conversation({ version: 5 });
  go({ conversation: whole.user_id });
  show(deskOf(server({ conversation: async () => whole })), <Open id={whole.user_id} message={null} />);
  await waitFor(() => expect(here().conversation).toBe(whole.id));
});

it("keeps to the message that such a link leads to", async () => {
  const whole = conversation({ version: 5 });
  go({ conversation: whole.user_id, message: "m:1" });
  show(deskOf(server({ conversation: async () => whole })), <Open id={whole.user_id} message="m:1" />);
  await waitFor(() => expect(here()).toMatchObject({ conversation: whole.id, message: "m:1" }));
});

it("leads nobody back who has gone on before it was found", async () => {
  const whole = conversation({ version: 5 });
  let answer: (found: Conversation) => void = () => {};
  go({ conversation: whole.user_id });
  const desk = deskOf(server({ conversation: () => new Promise((give) => (answer = give)) }));
  const { unmount } = show(desk, <Open id={whole.user_id} message={null} />);
  unmount();
  go({ conversation: "messenger:100:300" });
  answer(whole);
  await waitFor(() => expect(desk.conversations.get().byId.has(whole.id)).toBe(true));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(here().conversation).toBe("messenger:100:300");
});
