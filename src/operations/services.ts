import type { Files } from "../files/files.ts";
import type { Clock } from "../model/clock.ts";
import type { CollectionRecord, RecordFilter, RecordStore } from "../store/port.ts";
import type { TenantServices } from "./operation.ts";

const SCAN_PAGE = 500;

/** The doors of built-in operations, bound to one tenant. */
export function tenantServices(
  tenant: string,
  parts: {
    records: RecordStore;
    files: (tenant: string) => Files;
    removeBatches: (tenant: string, before: number) => Promise<number>;
    clock: Clock;
  },
): TenantServices {
  const { records, clock } = parts;
  return {
    tenant,
    records: {
      get: (collection, key) => records.get(tenant, collection, key),
      scan: (collection, filter) => scan(records, tenant, collection, filter),
      put: (collection, rows, mode) => records.put(tenant, collection, rows, mode, clock.now()),
      deleteOlder: (collection, before, limit) => records.deleteOlder(tenant, collection, before, limit),
    },
    files: parts.files(tenant),
    removeBatches: (before) => parts.removeBatches(tenant, before),
    now: () => clock.now(),
  };
}

async function* scan(records: RecordStore, tenant: string, collection: string, filter: RecordFilter): AsyncGenerator<CollectionRecord[]> {
  let after: string | null = null;
  for (;;) {
    const page: CollectionRecord[] = await records.list(tenant, collection, filter, { after, limit: SCAN_PAGE });
    if (page.length > 0) yield page;
    if (page.length < SCAN_PAGE) return;
    after = page.at(-1)!.key;
  }
}
