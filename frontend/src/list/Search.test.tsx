import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Search } from "./Search";

test("Escape leaves the search empty, but for one that ends a composition", () => {
  render(<Search />);
  const field = screen.getByRole("searchbox") as HTMLInputElement;
  fireEvent.change(field, { target: { value: "すずき" } });
  fireEvent.keyDown(field, { key: "Escape", isComposing: true });
  expect(field.value).toBe("すずき");
  fireEvent.keyDown(field, { key: "Escape" });
  expect(field.value).toBe("");
});
