import { act, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { now } from "../clock";
import { deskOf, server, show } from "../test/desk";
import { AT, waiting } from "../test/samples";
import { Header } from "./Header";

test("counts minutes for the eye only, and says aloud who has the word", () => {
  const at = (minutes: number) => act(() => now.update(() => Date.parse(AT) + minutes * 60_000));
  at(5);
  const one = waiting(AT);
  show(deskOf(server(), one), <Header conversation={one} />);
  expect(document.querySelector(".says")?.textContent).toMatch(/^Waiting for 5 min/);
  const before = screen.getByRole("status").textContent;
  at(6);
  expect(document.querySelector(".says")?.textContent).toMatch(/^Waiting for 6 min/);
  expect(screen.getByRole("status").textContent).toBe(before);
  expect(before).toBe("Waiting for a person");
});
