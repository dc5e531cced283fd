import { createElement } from "react";
import { act, create, type ReactTestRenderer } from "react-test-renderer";
import { expect, it } from "vitest";
import { useActiveRow } from "./row-keys.ts";

/** A list that is drawn anew with other rows, and the keyboard on it. */
function listOf(rows: readonly string[]): {
  row: () => string | undefined;
  step: (by: number) => void;
  become: (rows: readonly string[]) => void;
} {
  let shown = rows;
  let now: ReturnType<typeof useActiveRow> | null = null;
  function List(): null {
    now = useActiveRow(shown.length, (row) => shown[row]);
    return null;
  }
  let root: ReactTestRenderer | null = null;
  act(() => {
    root = create(createElement(List));
  });
  return {
    row: () => shown[now![0]],
    step: (by) => act(() => void now![1](by)),
    become: (next) => {
      shown = next;
      act(() => root!.update(createElement(List)));
    },
  };
}

it("the keyboard stands on the same row when others come in above it, on none when it is gone, and goes on from its place", () => {
  const list = listOf(["a", "b", "c"]);
  expect(list.row()).toBe(undefined);
  list.step(1);
  list.step(1);
  expect(list.row()).toBe("b");
  list.become(["new", "a", "b", "c"]);
  expect(list.row()).toBe("b");
  list.become(["a", "c"]);
  expect(list.row()).toBe(undefined);
  list.step(1);
  expect(list.row()).toBe("c");
  list.become(["a"]);
  list.step(-1);
  expect(list.row()).toBe("a");
});

it("a step before there are rows is one onto the first", () => {
  const list = listOf([]);
  list.step(1);
  expect(list.row()).toBe(undefined);
  list.become(["a", "b"]);
  expect(list.row()).toBe("a");
});
