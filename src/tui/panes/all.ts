import type { Pane } from "../pane.ts";
import { alertPane } from "./alerts.ts";
import { batchPane } from "./batches.ts";
import { eventPane } from "./events.ts";
import { failurePane } from "./failures.ts";
import { streamPane } from "./streams.ts";
import { workerPane } from "./workers.ts";

/** By number. `filtered`: whether the batches are those a filter found. */
export function panesOf(filtered: () => boolean): readonly Pane[] {
  return [streamPane, batchPane(filtered), workerPane, failurePane, alertPane, eventPane];
}
