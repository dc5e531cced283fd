import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { BatchyardError } from "../model/errors.ts";
import type { ItemText } from "../model/item.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import type { CollectionRecord, FileRow } from "../store/port.ts";
import type { HandlerContext, TenantServices } from "./operation.ts";

export const FIXTURE_NOW = Date.UTC(2026, 0, 15);

const silent = (): void => undefined;

/** A tenant's services over a real store in a directory of its own; files are kept in memory. */
export interface ServicesFixture {
  services: TenantServices;
  /** Text of a file that was saved. */
  text(fileId: string): string;
  file(fileId: string): FileRow;
  /** Arguments of removeBatches. */
  removals: number[];
  context<O>(options: O, more?: Partial<HandlerContext<O>>): HandlerContext<O>;
  close(): Promise<void>;
}

export function openServices(): ServicesFixture {
  const directory = mkdtempSync(join(tmpdir(), "batchyard-operations-"));
  const store = openSqliteStore({ directory, synchronous: "NORMAL" });
  const tenant = "acme";
  const files = new Map<string, { row: FileRow; bytes: Buffer }>();
  const removals: number[] = [];
  const found = (id: string) => {
    const entry = files.get(id);
    if (entry === undefined) throw new BatchyardError("file_not_found", { id });
    return entry;
  };
  const services: TenantServices = {
    tenant,
    records: {
      get: (collection, key) => store.records.get(tenant, collection, key),
      async *scan(collection, filter): AsyncGenerator<CollectionRecord[]> {
        let after: string | null = null;
        for (;;) {
          const page: CollectionRecord[] = await store.records.list(tenant, collection, filter, { after, limit: 100 });
          if (page.length === 0) return;
          yield page;
          after = page.at(-1)!.key;
        }
      },
      put: (collection, rows, mode) => store.records.put(tenant, collection, rows, mode, FIXTURE_NOW),
      deleteOlder: (collection, before, limit) => store.records.deleteOlder(tenant, collection, before, limit),
    },
    files: {
      async save(bytes, meta) {
        const content = await buffer(Readable.from(bytes));
        const row: FileRow = {
          id: `file_${files.size + 1}`,
          tenant,
          name: meta.name,
          contentType: meta.contentType,
          bytes: content.length,
          sha256: "",
          purpose: meta.purpose ?? null,
          createdAt: FIXTURE_NOW,
          expiresAt: meta.expiresAt ?? null,
        };
        files.set(row.id, { row, bytes: content });
        return row;
      },
      get: async (id) => found(id).row,
      open: async (id) => ({ file: found(id).row, stream: Readable.from([found(id).bytes]), path: id }),
      async delete(id) {
        files.delete(id);
      },
    },
    async removeBatches(before) {
      removals.push(before);
      return 7;
    },
    now: () => FIXTURE_NOW,
  };
  return {
    services,
    removals,
    text: (id) => found(id).bytes.toString("utf8"),
    file: (id) => found(id).row,
    context: (options, more) => ({
      signal: new AbortController().signal,
      attempt: 0,
      idempotencyKey: "idem",
      key: "",
      batchId: "batch_1_aaaaaaaaa",
      tenant,
      options,
      services,
      traceparent: null,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      progress: silent,
      ...more,
    }),
    async close() {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Payloads as intake would hand them on. */
export async function* itemTexts(payloads: readonly unknown[], blockSize = 100): AsyncGenerator<ItemText[]> {
  for (let start = 0; start < payloads.length; start += blockSize) {
    yield payloads
      .slice(start, start + blockSize)
      .map((payload, index) => ({ key: `item_${start + index + 1}`, text: JSON.stringify(payload) }));
  }
}

/** Everything an iterable of blocks yields. */
export async function all<T>(blocks: AsyncIterable<T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const block of blocks) rows.push(...block);
  return rows;
}
