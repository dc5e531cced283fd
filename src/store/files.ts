export interface FileRow {
  id: string;
  tenant: string;
  name: string;
  contentType: string;
  bytes: number;
  sha256: string;
  purpose: string | null;
  createdAt: number;
  expiresAt: number | null;
}

export interface FilePage {
  /** Place of the last file seen, exclusive. */
  before: { createdAt: number; id: string } | null;
  limit: number;
  /** By (created_at, id); newest first when absent. */
  order?: "newest" | "oldest" | undefined;
  /** Only files with one of these; null = those without a purpose. */
  purposes?: readonly (string | null)[] | undefined;
}

export interface FileStore {
  insert(file: FileRow): Promise<void>;
  get(tenant: string, id: string): Promise<FileRow | null>;
  list(tenant: string, page: FilePage): Promise<FileRow[]>;
  delete(tenant: string, id: string, now: number): Promise<boolean>;
  /** Where a file stands in lists, or stood until it was removed within the last day. */
  place(tenant: string, id: string, now: number): Promise<{ createdAt: number; id: string } | null>;
  /** The open batch that still reads this file, or null. */
  usedBy(tenant: string, id: string): Promise<string | null>;
  expired(now: number, limit: number): Promise<FileRow[]>;
}
