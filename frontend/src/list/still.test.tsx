import { act, render, screen } from "@testing-library/react";
import { useRef } from "react";
import { expect, test } from "vitest";
import { useStill } from "./still";

function List({ ids }: { ids: readonly string[] }) {
  const box = useRef<HTMLDivElement>(null);
  const still = useStill(ids, box, "all");
  return (
    <div ref={box} data-testid="list">
      {still.ids.join(" ")}
      {still.hasChanges && " · changed"}
    </div>
  );
}

test("a list under the pointer keeps its order, and goes on with the pages behind it", () => {
  const { rerender } = render(<List ids={["1", "2", "3"]} />);
  const list = screen.getByTestId("list");
  const shows = (words: string, ...ids: string[]) => {
    rerender(<List ids={ids} />);
    expect(list.textContent).toBe(words);
  };
  act(() => void list.dispatchEvent(new Event("pointermove")));
  shows("1 2 3 · changed", "3", "1", "2");
  shows("1 2 3 · changed", "new", "3", "1", "2");
  shows("1 2 3 4 5 · changed", "new", "3", "1", "2", "4", "5");
  shows("1 2 3 4 5 6 · changed", "4", "new", "3", "1", "5", "6");
  act(() => void list.dispatchEvent(new Event("pointerleave")));
  shows("4 new 3 1 5 6", "4", "new", "3", "1", "5", "6");
});
