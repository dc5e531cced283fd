import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { CONTENT_TYPES, guessedFormat, namedFormat, type ReadFormat } from "../formats/format.ts";
import { usage } from "./exit.ts";

/** What `--input` names: its bytes and what they are. */
export interface Input {
  /** A file name whose extension fits the format. */
  name: string;
  format: ReadFormat;
  contentType: string;
  bytes: AsyncIterable<Uint8Array>;
}

const LOOK_BYTES = 4096;

/** Opens a file, or stdin for `-`; the format is the one asked for, else the one its name or its first bytes tell. */
export async function openInput(path: string, asked: ReadFormat | undefined): Promise<Input> {
  const stream = path === "-" ? standardInput() : fileInput(path);
  const { start, bytes } = await peek(stream);
  const format = asked ?? (path === "-" ? null : namedFormat(path, "")) ?? guessedFormat(start);
  const base = path === "-" ? "stdin" : basename(path);
  const name = namedFormat(base, "") === format ? base : `${base}.${format}`;
  return { name, format, contentType: CONTENT_TYPES[format], bytes };
}

function standardInput(): AsyncIterable<Uint8Array> {
  if (process.stdin.isTTY) throw usage("--input - reads from a pipe; give a file, or pipe items in");
  return process.stdin;
}

function fileInput(path: string): AsyncIterable<Uint8Array> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw usage(`There is no file ${path}`);
  if (stat.isDirectory()) throw usage(`${path} is a directory; --input takes a file`);
  return createReadStream(path, { highWaterMark: 256 * 1024 });
}

async function peek(source: AsyncIterable<Uint8Array>): Promise<{ start: Uint8Array; bytes: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let size = 0;
  while (size < LOOK_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    held.push(next.value);
    size += next.value.length;
  }
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* held;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { start: Buffer.concat(held), bytes: bytes() };
}
