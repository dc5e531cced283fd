import { BatchyardError } from "../model/errors.ts";
import { readCsv } from "./csv/csv.ts";
import { guessedFormat, namedFormat } from "./format.ts";
import type { ReadFormat } from "./format.ts";
import { readJson } from "./json/json.ts";
import { readJsonl } from "./json/jsonl.ts";
import type { RowBlocks } from "./row.ts";
import { readXlsx } from "./xlsx/xlsx.ts";

/** Bytes in start order, and where they lie when they are a file on this machine (xlsx is read by its directory, at its end). */
export interface RowSource {
  name: string;
  contentType: string;
  bytes: AsyncIterable<Uint8Array>;
  path: string | null;
}

/** Bytes looked at when neither name nor content type tell the format. */
const LOOK = 4096;

/**
 * The rows of a file: in the format asked for, else the one its name, its content type or its first bytes tell.
 * A row that cannot be read is a value; faults of the whole file (bad_file, bad_encoding, unpacked_too_large) are thrown.
 */
export async function* readRows(source: RowSource, format?: ReadFormat): RowBlocks {
  const named = format ?? namedFormat(source.name, source.contentType);
  if (named !== null) {
    yield* rowsOf(named, source, source.bytes);
    return;
  }
  const { start, all } = await peek(source.bytes);
  yield* rowsOf(guessedFormat(start), source, all);
}

function rowsOf(format: ReadFormat, source: RowSource, bytes: AsyncIterable<Uint8Array>): RowBlocks {
  switch (format) {
    case "csv":
      return readCsv(bytes, /\.tsv$/i.test(source.name) ? { delimiter: "\t" } : {});
    case "jsonl":
      return readJsonl(bytes);
    case "json":
      return readJson(bytes);
    case "xlsx":
      if (source.path === null)
        throw new BatchyardError("bad_file", {
          format,
          reason: "it cannot be read while it arrives; upload it to /api/files first and name its id",
        });
      return readXlsx(source.path);
  }
}

async function peek(bytes: AsyncIterable<Uint8Array>): Promise<{ start: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < LOOK) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield start;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { start, all: all() };
}
