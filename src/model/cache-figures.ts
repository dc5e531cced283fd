/** What a cache of this process holds, and how often it did. Counted since the process started. */
export interface CacheFigures {
  name: string;
  entries: number;
  /** Entries at most; null = as many as there are different ones. */
  limit: number | null;
  hits: number;
  misses: number;
  /** Memory of the entries, estimated; null = nobody can know. */
  bytes: number | null;
}
