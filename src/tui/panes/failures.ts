import { compact, count } from "../../terminal/figures.ts";
import { words, type Column, type Pane } from "../pane.ts";
import { foreign } from "../text.ts";

const COLUMNS: readonly Column[] = [
  { title: "ITEMS", width: 6, right: true },
  { title: "CODE", width: 14 },
  { title: "ERROR", width: "rest" },
  { title: "BATCHES", width: 7, right: true, drop: 2 },
  { title: "KIND", width: 10, drop: 1 },
];

/** What failed lately, by error code. */
export const failurePane: Pane = {
  id: "failures",
  digit: "4",
  title: "Failures",
  aside({ model }) {
    const { failures } = model.snapshot;
    return words(`${count(failures.items)} items, 24 h`, "soft");
  },
  columns: () => COLUMNS,
  rows: ({ model }) =>
    model.snapshot.failures.failures.map((failure) => ({
      key: failure.code,
      cells: [
        words(compact(failure.count), "bad"),
        words(foreign(failure.code)),
        words(foreign(failure.error)),
        words(compact(failure.jobs)),
        words(foreign(failure.category), failure.recoverable ? "warn" : "soft"),
      ],
    })),
  empty: () => "Nothing failed",
  orders: [{ name: "most items" }],
};
