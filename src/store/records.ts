export interface CollectionRecord {
  key: string;
  data: Record<string, unknown>;
  createdAt: number;
  updatedAt: number;
}

export interface RecordFilter {
  /** Equality on top-level fields; `tags` means "has each of these tags". */
  equals: Record<string, unknown>;
  tags?: string[] | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
}

/** insert refuses a key that exists, upsert merges top-level fields into it, replace overwrites it. */
export type WriteMode = "insert" | "upsert" | "replace";

export interface RecordStore {
  collections(tenant: string): Promise<{ name: string; records: number }[]>;
  get(tenant: string, collection: string, key: string): Promise<CollectionRecord | null>;
  /** In key order, `after` exclusive. */
  list(
    tenant: string,
    collection: string,
    filter: RecordFilter,
    page: { after: string | null; limit: number },
  ): Promise<CollectionRecord[]>;
  /** Writes all or nothing; `writer` makes a repeated insert by the same writer succeed again. */
  put(
    tenant: string,
    collection: string,
    rows: { key: string; data: Record<string, unknown>; writer: string | null }[],
    mode: WriteMode,
    now: number,
  ): Promise<("inserted" | "updated" | "exists")[]>;
  delete(tenant: string, collection: string, key: string): Promise<boolean>;
  /** Removes records last updated before `before`, at most `limit`. */
  deleteOlder(tenant: string, collection: string | null, before: number, limit: number): Promise<number>;
}
