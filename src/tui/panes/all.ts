import type { Pane } from "../pane.ts";
import { alertPane } from "./alerts.ts";
import { batchPane, type Listing } from "./batches.ts";
import { eventPane } from "./events.ts";
import { failurePane } from "./failures.ts";
import { streamPane } from "./streams.ts";
import { workerPane } from "./workers.ts";

/** By number. */
export function panesOf(listing: () => Listing): readonly Pane[] {
  return [streamPane, batchPane(listing), workerPane, failurePane, alertPane, eventPane];
}
