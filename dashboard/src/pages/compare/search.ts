/** Ids of the two batches. */
export interface CompareSearch {
  a?: string;
  b?: string;
}

export function compareSearch({ a, b }: Record<string, unknown>): CompareSearch {
  return { ...(typeof a === "string" && a !== "" ? { a } : {}), ...(typeof b === "string" && b !== "" ? { b } : {}) };
}
