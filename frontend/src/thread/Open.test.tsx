import { waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
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
