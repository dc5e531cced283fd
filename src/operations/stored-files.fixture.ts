import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { createFiles } from "../files/disk-files.ts";
import type { Item, ItemText } from "../model/item.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import type { TenantServices } from "./operation.ts";
import { FIXTURE_NOW, openServices } from "./services.fixture.ts";
import type { ServicesFixture } from "./services.fixture.ts";

/** Services whose files lie on disk, as xlsx needs them. */
export interface StoredFilesFixture {
  services: TenantServices;
  context: ServicesFixture["context"];
  upload(name: string, content: string | Uint8Array): Promise<string>;
  download(fileId: string): Promise<string>;
  close(): Promise<void>;
}

export function openStoredFiles(): StoredFilesFixture {
  const base = openServices();
  const directory = mkdtempSync(join(tmpdir(), "batchyard-rows-"));
  const store = openSqliteStore({ directory, synchronous: "NORMAL" });
  const files = createFiles({
    files: store.files,
    directory,
    clock: { now: () => FIXTURE_NOW, elapsed: () => FIXTURE_NOW, after: () => () => {} },
  }).forTenant(base.services.tenant);
  const services: TenantServices = { ...base.services, files };
  return {
    services,
    context: (options, more) => base.context(options, { services, ...more }),
    async upload(name, content) {
      const bytes = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from(content);
      };
      return (await files.save(bytes(), { name, contentType: "application/octet-stream" })).id;
    },
    download: async (fileId) => (await buffer((await files.open(fileId)).stream)).toString("utf8"),
    async close() {
      await base.close();
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Items as a worker sees them. */
export async function itemsOf(planned: AsyncIterable<ItemText[]>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const block of planned) for (const { key, text } of block) items.push({ key, payload: JSON.parse(text) as unknown });
  return items;
}
