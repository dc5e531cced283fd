/** What stands in the address of the streams. */
export interface StreamsSearch {
  /** The form for a new one is open. */
  new?: "yes";
}

export function streamsSearch(search: Record<string, unknown>): StreamsSearch {
  return search["new"] === "yes" ? { new: "yes" } : {};
}
