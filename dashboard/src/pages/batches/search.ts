import type { BatchStatus } from "batchyard/client";
import { BATCH_LOOK } from "../../theme/states.ts";

/** What stands in the address of the list. */
export interface BatchesSearch {
  status?: BatchStatus;
  /** Qualifiers and words, as typed: `op:transform stream:detections age<1h nightly`. */
  q?: string;
}

export function batchesSearch(given: Record<string, unknown>): BatchesSearch {
  const { status, q } = given;
  return {
    ...(typeof status === "string" && Object.hasOwn(BATCH_LOOK, status) ? { status: status as BatchStatus } : {}),
    ...(typeof q === "string" && q !== "" ? { q: q.slice(0, 500) } : {}),
  };
}
