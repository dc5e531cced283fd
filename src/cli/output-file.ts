import { open, rename, rm } from "node:fs/promises";
import { CommandError } from "./exit.ts";

export interface FileSink {
  write(piece: Uint8Array | string): Promise<void>;
  /** Puts the file in its place; returns its bytes. */
  commit(): Promise<number>;
  discard(): Promise<void>;
}

/** A file that appears whole or not at all: it is written beside its place and renamed at the end. */
export async function fileSink(path: string): Promise<FileSink> {
  const draft = `${path}.part`;
  const handle = await open(draft, "w").catch((error: unknown) => {
    throw new CommandError(`Cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  let size = 0;
  return {
    async write(piece) {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      await handle.writeFile(bytes);
      size += bytes.byteLength;
    },
    async commit() {
      await handle.close();
      await rename(draft, path);
      return size;
    },
    async discard() {
      await handle.close().catch(() => undefined);
      await rm(draft, { force: true });
    },
  };
}

/** The format a file's name asks for; null when it says none. */
export function formatOf(path: string | undefined): "jsonl" | "csv" | "xlsx" | null {
  const extension = path === undefined ? null : (/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? null);
  if (extension === "csv" || extension === "xlsx") return extension;
  return extension === "jsonl" || extension === "ndjson" ? "jsonl" : null;
}
