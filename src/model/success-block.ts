import { iso } from "./clock.ts";
import { joinLines, splitLines } from "./item.ts";

/** One success as a run settles it. */
export interface Success {
  /** Index of the item in its chunk (or in the block's own keys). */
  item: number;
  /** JSON text of the result. */
  text: string;
  /** Retries after the first try. */
  retries: number;
  /** Unix milliseconds. */
  at: number;
  /** Milliseconds; null = not measured. */
  durationMs: number | null;
  /** 0..1 */
  qualityScore: number | null;
  /** US dollars. */
  cost: number | null;
}

type Column = "retries" | "durationMs" | "qualityScore" | "cost";
/** Columns of numbers that may be absent, in their order in the encoding; bit n of `flags` says that column n is there. */
const COLUMNS: readonly Column[] = ["retries", "durationMs", "qualityScore", "cost"];

/**
 * Successes of one commit, column by column: a result line repeats its field names, its time and its status for every
 * item, a block has them once. Halves what a batch writes; the lines are made again when someone reads them.
 *
 * Encoding (little-endian): `count u32, flags u32, at f64 × count, [column f64 × count] …, item u32 × count`; NaN = absent.
 */
export class SuccessBlock {
  private readonly texts: string[] = [];
  private readonly items: number[] = [];
  private readonly times: number[] = [];
  private readonly columns = new Map<Column, number[]>();

  get count(): number {
    return this.items.length;
  }

  add(success: Success): void {
    const index = this.items.length;
    this.texts.push(success.text);
    this.items.push(success.item);
    this.times.push(success.at);
    if (success.retries !== 0) this.set("retries", index, success.retries);
    if (success.durationMs !== null) this.set("durationMs", index, success.durationMs);
    if (success.qualityScore !== null) this.set("qualityScore", index, success.qualityScore);
    if (success.cost !== null) this.set("cost", index, success.cost);
  }

  /** Result texts joined with LINE_JOINT. */
  body(): string {
    return joinLines(this.texts);
  }

  encode(): Uint8Array {
    const { count } = this;
    const present = COLUMNS.filter((name) => this.columns.has(name));
    const bytes = new ArrayBuffer(8 + count * (8 + 8 * present.length + 4));
    const head = new Uint32Array(bytes, 0, 2);
    head[0] = count;
    head[1] = present.reduce((flags, name) => flags | (1 << COLUMNS.indexOf(name)), 0);
    new Float64Array(bytes, 8, count).set(this.times);
    let offset = 8 + count * 8;
    for (const name of present) {
      const column = new Float64Array(bytes, offset, count);
      const values = this.columns.get(name)!;
      for (let i = 0; i < count; i++) column[i] = values[i] ?? Number.NaN;
      offset += count * 8;
    }
    new Uint32Array(bytes, offset, count).set(this.items);
    return new Uint8Array(bytes);
  }

  private set(name: Column, index: number, value: number): void {
    let column = this.columns.get(name);
    if (column === undefined) {
      column = [];
      this.columns.set(name, column);
    }
    column[index] = value;
  }
}

/** The numbers of a stored block; the result texts stay joined until they are asked for. */
export class StoredBlock {
  readonly count: number;
  private readonly times: Float64Array;
  private readonly items: Uint32Array;
  private readonly columns = new Map<Column, Float64Array>();
  private readonly joined: string;

  constructor(encoded: Uint8Array, body: string) {
    // Columns of 64-bit numbers need an aligned buffer of their own.
    const bytes = encoded.slice().buffer;
    const [count, flags] = new Uint32Array(bytes, 0, 2) as unknown as [number, number];
    this.count = count;
    this.times = new Float64Array(bytes, 8, count);
    let offset = 8 + count * 8;
    for (const [bit, name] of COLUMNS.entries()) {
      if ((flags & (1 << bit)) === 0) continue;
      this.columns.set(name, new Float64Array(bytes, offset, count));
      offset += count * 8;
    }
    this.items = new Uint32Array(bytes, offset, count);
    this.joined = body;
  }

  item(index: number): number {
    return this.items[index]!;
  }

  at(index: number): number {
    return this.times[index]!;
  }

  durationMs(index: number): number | null {
    return this.value("durationMs", index);
  }

  qualityScore(index: number): number | null {
    return this.value("qualityScore", index);
  }

  /** US dollars. */
  cost(index: number): number | null {
    return this.value("cost", index);
  }

  /** The block's ItemResults as JSON texts; `keys` are those of its chunk. */
  lines(keys: readonly string[]): string[] {
    const texts = splitLines(this.joined);
    return texts.map((text, index) => this.line(keys[this.items[index]!]!, text, index));
  }

  private line(key: string, text: string, index: number): string {
    const retries = this.value("retries", index) ?? 0;
    let numbers = "";
    for (const name of ["durationMs", "qualityScore", "cost"] as const) {
      const value = this.value(name, index);
      if (value !== null) numbers += `,"${name}":${value}`;
    }
    return `{"nodeId":${JSON.stringify(key)},"success":true,"result":${text},"retries":${retries}${numbers},"createdAt":"${stampOf(this.times[index]!)}"}`;
  }

  private value(name: Column, index: number): number | null {
    const value = this.columns.get(name)?.[index];
    return value === undefined || Number.isNaN(value) ? null : value;
  }
}

let stampedAt = Number.NaN;
let stamp = "";

/** ISO text of a time; many results share a millisecond. */
export function stampOf(at: number): string {
  if (at !== stampedAt) {
    stampedAt = at;
    stamp = iso(at)!;
  }
  return stamp;
}
