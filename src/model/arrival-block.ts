/**
 * The arrival log: when an item came, under which key, how many bytes; never what it says. Blocks of groups, one group a
 * commit, everything a difference to what stood before it, as variable-length integers (7 bits a byte, low ones first;
 * signed ones zigzag):
 *
 *   group: at − at of the group before (signed) · entries · entry …
 *   entry: key number × 4 + start · [length · UTF-8 of the key, when it is the block's first of this key] · bytes − bytes of the entry before (signed)
 *
 * Key numbers count up within a block, so that a block can be read without the others. About 3 bytes an arrival.
 */

/** How it came: into a window that was open, as the first of a new one, or alone past the windows (fast path). */
export const ARRIVAL_STARTS = ["joined", "opened", "alone"] as const;
export type ArrivalStart = (typeof ARRIVAL_STARTS)[number];

export interface Arrival {
  /** Of its window. */
  key: string;
  /** UTF-8 bytes of the item's text. */
  bytes: number;
  start: ArrivalStart;
}

const utf8 = new TextEncoder();
// A key that starts with U+FEFF keeps it.
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A block that is being written. */
export class ArrivalBlock {
  private buffer = new Uint8Array(256);
  private length = 0;
  private readonly numbers = new Map<string, number>();
  private lastBytes = 0;
  items = 0;
  /** Unix milliseconds of the first and the last group. */
  from = 0;
  to = 0;

  get size(): number {
    return this.length;
  }

  /** A copy of what has been written so far. */
  body(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** `at`: Unix milliseconds, whole. */
  add(at: number, arrivals: readonly Arrival[]): void {
    if (this.items === 0) this.from = at;
    this.signed(at - this.to);
    this.to = at;
    this.whole(arrivals.length);
    this.items += arrivals.length;
    for (const { key, bytes, start } of arrivals) {
      const kind = ARRIVAL_STARTS.indexOf(start);
      const number = this.numbers.get(key);
      this.whole((number ?? this.numbers.size) * 4 + kind);
      if (number === undefined) {
        const text = utf8.encode(key);
        this.whole(text.length);
        this.room(text.length);
        this.buffer.set(text, this.length);
        this.length += text.length;
        this.numbers.set(key, this.numbers.size);
      }
      this.signed(bytes - this.lastBytes);
      this.lastBytes = bytes;
    }
  }

  private signed(value: number): void {
    this.whole(value < 0 ? -2 * value - 1 : 2 * value);
  }

  private whole(value: number): void {
    this.room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.length++] = rest;
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const wider = new Uint8Array(Math.max(2 * this.buffer.length, this.length + bytes));
    wider.set(this.buffer.subarray(0, this.length));
    this.buffer = wider;
  }
}

/** Arrivals column by column, in the order they were read. */
export class ArrivalColumns {
  readonly keys: string[] = [];
  private readonly numbers = new Map<string, number>();
  length = 0;
  /** Unix milliseconds. */
  at = new Float64Array(1024);
  /** Index into `keys`. */
  key = new Uint32Array(1024);
  bytes = new Float64Array(1024);
  /** Index into ARRIVAL_STARTS. */
  start = new Uint8Array(1024);

  /** Adds the arrivals of a block that came in [from, to). Throws when it is not a whole block. */
  read(block: Uint8Array, range: { from: number; to: number } = { from: -Infinity, to: Infinity }): void {
    const reader = new Varints(block);
    const known: number[] = [];
    let at = 0;
    let bytes = 0;
    while (!reader.atEnd) {
      at += reader.signed();
      const taken = at >= range.from && at < range.to;
      for (let left = reader.whole(); left > 0; left--) {
        const head = reader.whole();
        const number = Math.floor(head / 4);
        if (number === known.length) known.push(this.numberOf(reader.text()));
        bytes += reader.signed();
        if (taken) this.push(at, known[number]!, bytes, head % 4);
      }
    }
  }

  /** By time, stable: the clock of a machine can jump back, and blocks of two processes overlap. */
  sort(): void {
    const { at, length } = this;
    let sorted = true;
    for (let i = 1; i < length && sorted; i++) sorted = at[i]! >= at[i - 1]!;
    if (sorted) return;
    const order = Uint32Array.from({ length }, (_, i) => i).sort((a, b) => at[a]! - at[b]! || a - b);
    this.at = Float64Array.from(order, (i) => at[i]!);
    this.key = Uint32Array.from(order, (i) => this.key[i]!);
    this.bytes = Float64Array.from(order, (i) => this.bytes[i]!);
    this.start = Uint8Array.from(order, (i) => this.start[i]!);
  }

  /** Undefined when nothing of this key was read. */
  find(key: string): number | undefined {
    return this.numbers.get(key);
  }

  private numberOf(key: string): number {
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.keys.push(key) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }

  private push(at: number, key: number, bytes: number, start: number): void {
    if (this.length === this.at.length) this.widen();
    const i = this.length++;
    this.at[i] = at;
    this.key[i] = key;
    this.bytes[i] = bytes;
    this.start[i] = start;
  }

  private widen(): void {
    const size = 2 * this.length;
    const { at, key, bytes, start } = this;
    (this.at = new Float64Array(size)).set(at);
    (this.key = new Uint32Array(size)).set(key);
    (this.bytes = new Float64Array(size)).set(bytes);
    (this.start = new Uint8Array(size)).set(start);
  }
}

class Varints {
  private readonly block: Uint8Array;
  private place = 0;

  constructor(block: Uint8Array) {
    this.block = block;
  }

  get atEnd(): boolean {
    return this.place >= this.block.length;
  }

  whole(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.block[this.place++];
      if (byte === undefined) throw new RangeError("the arrival block ends within a number");
      if (byte < 0x80) return value + byte * scale;
      value += (byte - 0x80) * scale;
    }
  }

  signed(): number {
    const value = this.whole();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const length = this.whole();
    const end = this.place + length;
    if (end > this.block.length) throw new RangeError("the arrival block ends within a key");
    const text = fromUtf8.decode(this.block.subarray(this.place, end));
    this.place = end;
    return text;
  }
}
