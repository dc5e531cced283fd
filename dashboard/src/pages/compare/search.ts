import type { Comparison } from "batchyard/client";

export type ChangeKind = Comparison["changed"][number]["kind"];

/** Ids of the two batches, and which of the changed items are listed. */
export interface CompareSearch {
  a?: string;
  b?: string;
  kind?: ChangeKind;
}

const KINDS: readonly unknown[] = ["fixed", "broken", "other"] satisfies ChangeKind[];

export function compareSearch({ a, b, kind }: Record<string, unknown>): CompareSearch {
  return {
    ...(typeof a === "string" && a !== "" ? { a } : {}),
    ...(typeof b === "string" && b !== "" ? { b } : {}),
    ...(KINDS.includes(kind) ? { kind: kind as ChangeKind } : {}),
  };
}
