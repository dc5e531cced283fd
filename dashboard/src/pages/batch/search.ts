/** What stands in the address of a batch. */
export interface BatchSearch {
  /** Which of its results are listed; all without it. */
  items?: "failed" | "succeeded";
  /** Only results whose error has this text. */
  error?: string;
}

export function batchSearch({ items, error }: Record<string, unknown>): BatchSearch {
  return {
    ...(items === "failed" || items === "succeeded" ? { items } : {}),
    ...(typeof error === "string" && error !== "" ? { error: error.slice(0, 500) } : {}),
  };
}
