import { randomBytes } from "node:crypto";

/**
 * Finds repeated keys among millions in near-constant memory: 12 bytes a slot (about 25 MB for a million keys, 40 MB while growing).
 *
 * Keys themselves are not kept, only 64 bits of their hash with the position of the key, so an answer is a list of *candidates*:
 * who knows the keys must compare them (see confirm). Of a million different keys, two share a hash about once in 37 million runs.
 */
export class KeySet {
  #high: Int32Array;
  #low: Int32Array;
  /** Position + 1; 0 = free. */
  #positions: Int32Array;
  #mask: number;
  #size = 0;
  /** Differs between sets, so that nobody can prepare keys that collide. */
  readonly #seedHigh: number;
  readonly #seedLow: number;

  constructor(expected = 1024) {
    const capacity = 2 ** Math.max(4, Math.ceil(Math.log2(Math.max(1, expected) / 0.75)));
    this.#high = new Int32Array(capacity);
    this.#low = new Int32Array(capacity);
    this.#positions = new Int32Array(capacity);
    this.#mask = capacity - 1;
    const seed = randomBytes(8);
    this.#seedHigh = seed.readInt32LE(0);
    this.#seedLow = seed.readInt32LE(4);
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of the tables. */
  get bytes(): number {
    return this.#positions.length * 12;
  }

  /**
   * Notes the key of the item at `position` (0..2^31-2). Null when no earlier key has the same hash: the key is new for certain.
   * Otherwise the earlier positions that have it, in no order.
   */
  add(key: string, position: number): number[] | null {
    if (this.#size >= (this.#mask + 1) * 0.75) this.#grow();
    const high = mix(key, this.#seedHigh, 0xcc9e2d51);
    const low = mix(key, this.#seedLow, 0x9e3779b1);
    let candidates: number[] | null = null;
    let slot = low & this.#mask;
    for (; this.#positions[slot] !== 0; slot = (slot + 1) & this.#mask) {
      if (this.#high[slot] === high && this.#low[slot] === low) (candidates ??= []).push(this.#positions[slot]! - 1);
    }
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#positions[slot] = position + 1;
    this.#size++;
    return candidates;
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    const mask = capacity - 1;
    const high = new Int32Array(capacity);
    const low = new Int32Array(capacity);
    const positions = new Int32Array(capacity);
    for (let from = 0; from < this.#positions.length; from++) {
      if (this.#positions[from] === 0) continue;
      let slot = this.#low[from]! & mask;
      while (positions[slot] !== 0) slot = (slot + 1) & mask;
      high[slot] = this.#high[from]!;
      low[slot] = this.#low[from]!;
      positions[slot] = this.#positions[from]!;
    }
    this.#high = high;
    this.#low = low;
    this.#positions = positions;
    this.#mask = mask;
  }
}

/** The smallest candidate whose key really is `key`, or null. `keyAt` answers the key at a position, null when it is not known. */
export async function confirm(
  key: string,
  candidates: readonly number[],
  keyAt: (position: number) => string | null | Promise<string | null>,
): Promise<number | null> {
  for (const position of candidates.toSorted((a, b) => a - b)) {
    if ((await keyAt(position)) === key) return position;
  }
  return null;
}

/** 32 bits of a key, unsigned and the same in every process: for indexes that are stored. */
export function keyHash32(key: string): number {
  return mix(key, 0, 0xcc9e2d51) >>> 0;
}

/** Multiply and rotate for each UTF-16 unit, then murmur3's final avalanche. */
function mix(key: string, seed: number, factor: number): number {
  let h = seed ^ key.length;
  for (let i = 0; i < key.length; i++) {
    h = Math.imul(h ^ key.charCodeAt(i), factor);
    h = (h << 13) | (h >>> 19);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
