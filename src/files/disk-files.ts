import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../model/clock.ts";
import { BatchyardError } from "../model/errors.ts";
import { randomText } from "../model/ids.ts";
import type { FileRow, FileStore } from "../store/port.ts";
import { safeFileName } from "./file-name.ts";
import type { Files } from "./files.ts";

/** A temporary file this old belongs to no upload that still runs: the slowest allowed one takes hours. */
const TEMPORARY_MAX_AGE_MS = 24 * 60 * 60 * 1000;
const SWEEP_AT_ONCE = 500;
const READ_BYTES = 256 * 1024;

export interface FilesOptions {
  files: FileStore;
  /** Data directory; the bytes lie below `<directory>/files`. */
  directory: string;
  clock: Clock;
}

export interface DiskFiles {
  forTenant(tenant: string): Files;
  /** Removes expired files that no open batch reads, and temporary files older than 24 h. */
  sweep(now: number): Promise<{ expired: number; temporary: number }>;
}

/**
 * The bytes of all tenants: `<directory>/files/<first 2 of the id>/<id>`, written below `files/incoming` first.
 *
 * A file is its row: bytes are synced and renamed before the row is inserted, and the row goes before the bytes, so that
 * every row has its bytes, whole, whenever the process dies.
 */
export function createFiles(options: FilesOptions): DiskFiles {
  const { files, clock } = options;
  const place = new Place(join(options.directory, "files"));
  return {
    forTenant: (tenant) => new TenantFiles(tenant, files, place, clock),
    async sweep(now) {
      let expired = 0;
      // Files still read by a batch stay at the head of the list: a full page of them ends the sweep.
      for (let removed = 1; removed > 0;) {
        removed = 0;
        for (const file of await files.expired(now, SWEEP_AT_ONCE)) {
          if ((await files.usedBy(file.tenant, file.id)) !== null) continue;
          if (await files.delete(file.tenant, file.id, now)) removed += 1;
          await place.remove(file.id);
        }
        expired += removed;
      }
      return { expired, temporary: await place.removeTemporary(now - TEMPORARY_MAX_AGE_MS) };
    },
  };
}

class TenantFiles implements Files {
  private readonly tenant: string;
  private readonly rows: FileStore;
  private readonly place: Place;
  private readonly clock: Clock;

  constructor(tenant: string, rows: FileStore, place: Place, clock: Clock) {
    this.tenant = tenant;
    this.rows = rows;
    this.place = place;
    this.clock = clock;
  }

  async save(bytes: AsyncIterable<Uint8Array>, meta: Parameters<Files["save"]>[1]): Promise<FileRow> {
    const id = meta.id ?? `file-${randomText(24)}`;
    if (meta.id !== undefined) await this.rows.delete(this.tenant, id, this.clock.now());
    try {
      const written = await this.place.write(id, bytes, meta.maxBytes ?? Number.POSITIVE_INFINITY);
      const late = await meta.arrived?.();
      const row: FileRow = {
        id,
        tenant: this.tenant,
        name: safeFileName(meta.name),
        contentType: meta.contentType,
        bytes: written.bytes,
        sha256: written.sha256,
        purpose: late?.purpose ?? meta.purpose ?? null,
        createdAt: this.clock.now(),
        expiresAt: late?.expiresAt ?? meta.expiresAt ?? null,
      };
      await this.rows.insert(row);
      return row;
    } catch (error) {
      await this.place.remove(id).catch(() => {});
      throw isFull(error) ? new BatchyardError("storage_full", { reason: "the disk is full" }, { cause: error }) : error;
    }
  }

  async get(id: string): Promise<FileRow> {
    const row = await this.rows.get(this.tenant, id);
    if (row === null) throw new BatchyardError("file_not_found", { id });
    return row;
  }

  async open(id: string): Promise<Awaited<ReturnType<Files["open"]>>> {
    const file = await this.get(id);
    const path = this.place.pathOf(id);
    const handle = await open(path).catch((error: unknown) => {
      // Deleted between the two steps.
      throw codeOf(error) === "ENOENT" ? new BatchyardError("file_not_found", { id }, { cause: error }) : error;
    });
    return { file, stream: handle.createReadStream({ highWaterMark: READ_BYTES }), path };
  }

  async delete(id: string): Promise<void> {
    await this.get(id);
    const batch = await this.rows.usedBy(this.tenant, id);
    if (batch !== null) throw new BatchyardError("file_in_use", { id, batch });
    if (!(await this.rows.delete(this.tenant, id, this.clock.now()))) throw new BatchyardError("file_not_found", { id });
    await this.place.remove(id);
  }
}

/** Where bytes lie. Only ids that the store knows, or that were just made, become paths. */
class Place {
  private readonly root: string;
  private readonly incoming: string;

  constructor(root: string) {
    this.root = root;
    this.incoming = join(root, "incoming");
  }

  pathOf(id: string): string {
    return join(this.root, id.slice(5, 7), id);
  }

  async write(id: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ bytes: number; sha256: string }> {
    const path = this.pathOf(id);
    const temporary = join(this.incoming, `${id}.${randomText(6)}`);
    await mkdir(this.incoming, { recursive: true });
    const hash = createHash("sha256");
    let count = 0;
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        for await (const chunk of bytes) {
          count += chunk.length;
          if (count > maxBytes) throw new BatchyardError("too_large", { limit: maxBytes });
          hash.update(chunk);
          await writeAll(handle, chunk);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
      await syncDirectory(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return { bytes: count, sha256: hash.digest("hex") };
  }

  async remove(id: string): Promise<void> {
    await rm(this.pathOf(id), { force: true });
  }

  async removeTemporary(before: number): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.incoming).catch(() => [])) {
      const path = join(this.incoming, name);
      const found = await stat(path).catch(() => null);
      if (found === null || found.mtimeMs >= before) continue;
      await unlink(path);
      removed += 1;
    }
    return removed;
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
}

/** Makes the new name durable; not every system can open a directory. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path).catch(() => null);
  try {
    await handle?.sync();
  } catch (error) {
    if (codeOf(error) !== "EINVAL" && codeOf(error) !== "EPERM") throw error;
  } finally {
    await handle?.close();
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}
