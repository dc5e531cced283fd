import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../model/clock.ts";
import type { FileStore, Store } from "../store/port.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { createFiles } from "./disk-files.ts";
import type { DiskFiles } from "./disk-files.ts";

const NOW = Date.UTC(2026, 0, 15);
const DAY = 86_400_000;
const clock: Clock = { now: () => NOW, elapsed: () => NOW, after: () => () => {} };

let directory: string;
let store: Store;
let disk: DiskFiles;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "batchyard-files-"));
  store = openSqliteStore({ directory, synchronous: "NORMAL" });
  disk = createFiles({ files: store.files, directory, clock });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function* bytesOf(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** Everything below the files' folder that is a file. */
function stored(): string[] {
  const root = join(directory, "files");
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

describe("files on disk", () => {
  it("keeps bytes, hash and a safe name", async () => {
    const files = disk.forTenant("acme");
    const row = await files.save(bytesOf("id\n", "1\n"), { name: "../x\r\n.csv", contentType: "text/csv", purpose: "batch" });
    expect(row).toEqual({
      id: expect.stringMatching(/^file-[a-z0-9]{24}$/) as string,
      tenant: "acme",
      name: ".._x.csv",
      contentType: "text/csv",
      bytes: 5,
      sha256: createHash("sha256").update("id\n1\n").digest("hex"),
      purpose: "batch",
      createdAt: NOW,
      expiresAt: null,
    });
    const { file, stream, path } = await files.open(row.id);
    expect(file).toEqual(row);
    expect((await buffer(stream)).toString()).toBe("id\n1\n");
    expect(path).toBe(join(directory, "files", row.id.slice(5, 7), row.id));
  });

  it("shows no file of another tenant, and takes no path for an id", async () => {
    const row = await disk.forTenant("acme").save(bytesOf("x"), { name: "x", contentType: "text/plain" });
    const other = disk.forTenant("other");
    for (const id of [row.id, "../../etc/passwd", "file-\0"]) {
      await expect(other.get(id)).rejects.toMatchObject({ code: "file_not_found" });
      await expect(other.open(id)).rejects.toMatchObject({ code: "file_not_found" });
      await expect(other.delete(id)).rejects.toMatchObject({ code: "file_not_found" });
    }
    expect(stored()).toEqual([row.id]);
  });

  it("leaves nothing of a stream that breaks off, is too large, or finds the disk or the store full", async () => {
    const files = disk.forTenant("acme");
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("connection lost");
    };
    const meta = { name: "x", contentType: "text/plain" };
    await expect(files.save(broken(), meta)).rejects.toThrow("connection lost");
    await expect(files.save(bytesOf("12345"), { ...meta, maxBytes: 4 })).rejects.toMatchObject({ code: "too_large" });
    await expect(files.save(bytesOf("1234"), { ...meta, maxBytes: 4 })).resolves.toMatchObject({ bytes: 4 });
    const full: FileStore = Object.assign(Object.create(store.files) as FileStore, {
      insert: () => Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" })),
    });
    const onFullDisk = createFiles({ files: full, directory, clock }).forTenant("acme");
    await expect(onFullDisk.save(bytesOf("1"), meta)).rejects.toMatchObject({ code: "storage_full" });
    expect(stored()).toHaveLength(1);
  });

  it("refuses to delete what an open batch reads", async () => {
    const used: FileStore = Object.assign(Object.create(store.files) as FileStore, { usedBy: () => Promise.resolve("batch_1_abcdefghi") });
    const files = createFiles({ files: used, directory, clock }).forTenant("acme");
    const row = await files.save(bytesOf("x"), { name: "x", contentType: "text/plain", expiresAt: NOW });
    await expect(files.delete(row.id)).rejects.toMatchObject({ code: "file_in_use" });
    expect(await createFiles({ files: used, directory, clock }).sweep(NOW)).toEqual({ expired: 0, temporary: 0 });
    await disk.forTenant("acme").delete(row.id);
    expect(stored()).toEqual([]);
    await expect(files.get(row.id)).rejects.toMatchObject({ code: "file_not_found" });
  });

  it("sweeps what has expired and old temporary files", async () => {
    const files = disk.forTenant("acme");
    const meta = { name: "x", contentType: "text/plain" };
    await files.save(bytesOf("old"), { ...meta, expiresAt: NOW - 1 });
    const kept = await files.save(bytesOf("new"), { ...meta, expiresAt: NOW + 1 });
    const temporary = (name: string, age: number): void => {
      const path = join(directory, "files", "incoming", name);
      writeFileSync(path, "half");
      utimesSync(path, (NOW - age) / 1000, (NOW - age) / 1000);
    };
    temporary("file-stale", DAY + 1000);
    temporary("file-fresh", DAY - 1000);
    expect(await disk.sweep(NOW)).toEqual({ expired: 1, temporary: 1 });
    expect(stored().toSorted()).toEqual([kept.id, "file-fresh"].toSorted());
  });
});
