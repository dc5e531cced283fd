import { isAscii, isUtf8 } from "node:buffer";
import { BatchyardError } from "../model/errors.ts";
import { ItemFaults } from "./faults.ts";

/** Some lines of a text, in order. */
export interface LineBlock {
  /** Never blank; without line break and byte order mark. */
  lines: string[];
  /** The 1-based number of each line in the text, blank ones counted. */
  numbers: number[];
  /** Bytes of the text that this block covers. */
  bytes: number;
}

export interface SplitOptions {
  /** Bytes of one line, without its line break. */
  maxLineBytes?: number | undefined;
}

const MAX_LINE_BYTES = 1024 * 1024;
/** Larger pieces of input are cut, so that a block's strings stay small however the source reads. */
const PIECE_BYTES = 128 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Splits UTF-8 bytes into lines, a block at a time, in constant memory: what is held is one piece of input and one unfinished line.
 * A BOM at the start, CRLF and a missing last line break are fine; blank lines are left out but numbered.
 * Throws bad_encoding (UTF-16, UTF-32), bad_items with code bad_encoding (invalid UTF-8, with line and byte) and line_too_long
 * (as soon as one byte is too many).
 */
export async function* splitLines(source: AsyncIterable<Uint8Array>, options: SplitOptions = {}): AsyncGenerator<LineBlock> {
  const splitter = new LineSplitter(options.maxLineBytes ?? MAX_LINE_BYTES);
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
      const block = splitter.push(chunk.subarray(from, from + PIECE_BYTES));
      if (block !== null && block.lines.length > 0) yield block;
    }
  }
  const last = splitter.end();
  if (last.lines.length > 0) yield last;
}

class LineSplitter {
  readonly #maxLineBytes: number;
  /** The unfinished line, kept at the front of a buffer that doubles up to the limit. */
  #open: Buffer = Buffer.alloc(4096);
  #openLength = 0;
  #lineNumber = 1;
  /** Bytes of the text before the unfinished line. */
  #offset = 0;
  #isStart = true;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that end within `piece`; null when none does. */
  push(piece: Uint8Array): LineBlock | null {
    if (this.#isStart && this.#openLength + piece.length >= 4) {
      this.#keep(piece);
      return this.#start();
    }
    const cut = piece.lastIndexOf(NEWLINE) + 1;
    if (this.#isStart || cut === 0) {
      this.#keep(piece);
      return null;
    }
    const whole = bufferOf(piece.subarray(0, cut));
    let bytes = whole;
    if (this.#openLength > 0) {
      // Checked before joining: the join may be long, the line must not be.
      this.#checkOpen(whole.indexOf(NEWLINE), whole);
      bytes = Buffer.concat([this.#open.subarray(0, this.#openLength), whole]);
    }
    this.#openLength = 0;
    const block = this.#split(bytes);
    this.#keep(piece.subarray(cut));
    return block;
  }

  /** What follows the last line break. */
  end(): LineBlock {
    if (this.#isStart) this.#skipMark();
    if (this.#openLength === 0) return { lines: [], numbers: [], bytes: 0 };
    this.#checkOpen(0, EMPTY);
    return this.#split(this.#open.subarray(0, this.#openLength));
  }

  #start(): LineBlock | null {
    this.#skipMark();
    // The kept bytes are read again as ordinary input, now that their encoding is known.
    const head = Buffer.from(this.#open.subarray(0, this.#openLength));
    this.#openLength = 0;
    return this.push(head);
  }

  #skipMark(): void {
    this.#isStart = false;
    const head = this.#open.subarray(0, this.#openLength);
    const encoding = wideEncoding(head);
    if (encoding !== null) throw new BatchyardError("bad_encoding", { encoding });
    if (head[0] !== 0xef || head[1] !== 0xbb || head[2] !== 0xbf) return;
    this.#open = Buffer.from(head.subarray(3));
    this.#openLength = this.#open.length;
    this.#offset = 3;
  }

  #keep(piece: Uint8Array): void {
    const length = this.#openLength + piece.length;
    if (length > this.#open.length) {
      // While the start is undecided the piece may hold many lines; afterwards it holds none, and the limit bounds the buffer.
      const larger = Buffer.alloc(Math.max(length, Math.min(this.#open.length * 2, this.#maxLineBytes + PIECE_BYTES)));
      this.#open.copy(larger, 0, 0, this.#openLength);
      this.#open = larger;
    }
    this.#open.set(piece, this.#openLength);
    this.#openLength = length;
    if (!this.#isStart) this.#checkOpen(0, EMPTY);
  }

  /** Throws when the unfinished line and `more` bytes of `next` are too long; a CR at their end belongs to the line break. */
  #checkOpen(more: number, next: Buffer): void {
    const length = this.#openLength + more;
    if (length <= this.#maxLineBytes) return;
    const last = more > 0 ? next[more - 1] : this.#open[this.#openLength - 1];
    if (length === this.#maxLineBytes + 1 && last === RETURN) return;
    throw this.#tooLong(this.#lineNumber);
  }

  #tooLong(line: number): BatchyardError {
    return new BatchyardError("line_too_long", { line, limit: this.#maxLineBytes });
  }

  /** Whole lines; the last one may lack its line break. */
  #split(bytes: Buffer): LineBlock {
    const text = isAscii(bytes) ? bytes.toString("latin1") : isUtf8(bytes) ? bytes.toString("utf8") : this.#invalidUtf8(bytes);
    const parts = text.split("\n");
    if (parts.at(-1) === "") parts.pop();
    const lines: string[] = [];
    const numbers: number[] = [];
    for (const part of parts) {
      const number = this.#lineNumber++;
      const line = part.charCodeAt(part.length - 1) === RETURN ? part.slice(0, -1) : part;
      // A UTF-16 unit is three bytes at most.
      if (line.length * 3 > this.#maxLineBytes && Buffer.byteLength(line) > this.#maxLineBytes) throw this.#tooLong(number);
      if (line.length === 0 || (line.charCodeAt(0) <= 0x20 && /^[ \t\r]*$/.test(line))) continue;
      lines.push(line);
      numbers.push(number);
    }
    this.#offset += bytes.length;
    return { lines, numbers, bytes: bytes.length };
  }

  #invalidUtf8(bytes: Buffer): never {
    const faults = new ItemFaults();
    let line = this.#lineNumber;
    for (let from = 0; from < bytes.length; line++) {
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline === -1 ? bytes.length : newline;
      const bad = firstInvalid(bytes.subarray(from, to));
      if (bad !== -1) {
        const value = bytes[from + bad]!.toString(16).toUpperCase().padStart(2, "0");
        const message = `byte ${bad + 1} of the line (byte offset ${this.#offset + from + bad} of the text) is 0x${value}, which is not UTF-8 there; save the text as UTF-8`;
        faults.add({ path: `line ${line}`, code: "bad_encoding", message });
      }
      from = to + 1;
    }
    faults.check();
    throw new BatchyardError("bad_encoding", { encoding: "not valid UTF-8" });
  }
}

const EMPTY = Buffer.alloc(0);

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The name of a wider encoding that the first bytes give away: by their mark, or by NULs beside an ASCII character. */
function wideEncoding(head: Uint8Array): string | null {
  const [a, b, c, d] = head;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? "UTF-32" : "UTF-16";
  if (a === 0xfe && b === 0xff) return "UTF-16";
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return "UTF-32";
  if (head.length < 4) return null;
  if ((a !== 0 && b === 0 && c !== 0 && d === 0) || (a === 0 && b !== 0 && c === 0 && d !== 0)) return "UTF-16";
  return null;
}

/** Index of the byte that starts the first invalid sequence, or -1. */
function firstInvalid(bytes: Buffer): number {
  if (isUtf8(bytes)) return -1;
  for (let i = 0; i < bytes.length;) {
    const c = bytes[i]!;
    const size = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (size > 1 && !isUtf8(bytes.subarray(i, i + size))) return i;
    i += size;
  }
  return bytes.length - 1;
}

/** The first line apart from the others; null when there is none. Whoever does not read `rest` to its end calls `close`. */
export interface HeadLine {
  first: string | null;
  rest: AsyncIterable<LineBlock>;
  close(): Promise<void>;
}

/** Takes the first line off, for bodies that start with the request and go on with its items. */
export async function takeFirstLine(blocks: AsyncIterable<LineBlock>): Promise<HeadLine> {
  const iterator = blocks[Symbol.asyncIterator]();
  const close = async (): Promise<void> => void (await iterator.return?.());
  const head = await iterator.next();
  if (head.done === true) return { first: null, rest: none(), close };
  const { lines, numbers, bytes } = head.value;
  async function* rest(): AsyncGenerator<LineBlock> {
    try {
      if (lines.length > 1) yield { lines: lines.slice(1), numbers: numbers.slice(1), bytes };
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await close();
    }
  }
  return { first: lines[0] ?? null, rest: rest(), close };
}

async function* none(): AsyncGenerator<LineBlock> {}
