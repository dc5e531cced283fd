/** Objects with more keys than this look them up in a Set; below, comparing hashes in a row is faster. */
const SET_FROM = 24;

/**
 * The keys of the objects a scan is inside of: what it takes to notice a repeated one without allocating for small objects.
 *
 * One stack for all depths: each live key as a hash and the span of its raw text within the quotes; an object's keys start at its base.
 * An object that outgrows the linear search moves its keys into a Set, and its further keys go there only.
 */
export class LiveKeys {
  /** Per depth (1-based): index of the object's first key. */
  readonly #bases: Int32Array;
  /** Per depth: the keys of a large object. */
  readonly #sets: (Set<string> | undefined)[];
  #hashes = new Int32Array(64);
  #froms = new Int32Array(64);
  #tos = new Int32Array(64);
  #top = 0;

  constructor(maxDepth: number) {
    this.#bases = new Int32Array(maxDepth + 1);
    this.#sets = Array.from({ length: maxDepth + 1 }, () => undefined);
  }

  /** After a scan that ended early. */
  clear(): void {
    this.#top = 0;
    this.#sets.fill(undefined);
  }

  open(depth: number): void {
    this.#bases[depth] = this.#top;
  }

  close(depth: number): void {
    this.#top = this.#bases[depth]!;
    if (this.#sets[depth] !== undefined) this.#sets[depth] = undefined;
  }

  /** Notes a key of the object at `depth`; false when the object has it already. `hash` is hashKey of the unescaped key. */
  add(text: string, from: number, to: number, hash: number, depth: number): boolean {
    const set = this.#sets[depth];
    if (set !== undefined) {
      const size = set.size;
      return set.add(unescapeKey(text, from, to)).size > size;
    }
    const base = this.#bases[depth]!;
    const top = this.#top;
    const hashes = this.#hashes;
    for (let k = base; k < top; k++) {
      if (hashes[k] === hash && unescapeKey(text, this.#froms[k]!, this.#tos[k]!) === unescapeKey(text, from, to)) return false;
    }
    if (top - base >= SET_FROM) {
      const keys = new Set<string>([unescapeKey(text, from, to)]);
      for (let k = base; k < top; k++) keys.add(unescapeKey(text, this.#froms[k]!, this.#tos[k]!));
      this.#sets[depth] = keys;
      return true;
    }
    if (top === hashes.length) this.#grow();
    this.#hashes[top] = hash;
    this.#froms[top] = from;
    this.#tos[top] = to;
    this.#top = top + 1;
    return true;
  }

  #grow(): void {
    this.#hashes = doubled(this.#hashes);
    this.#froms = doubled(this.#froms);
    this.#tos = doubled(this.#tos);
  }
}

/** One step of the hash, for a scan that meets the characters anyway. */
export function hashStep(hash: number, unit: number): number {
  return (Math.imul(hash, 31) + unit) | 0;
}

export function hashKey(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = hashStep(hash, key.charCodeAt(i));
  return hash;
}

/** The string whose raw text (already known to be good) stands between `from` and `to`. */
export function unescapeKey(text: string, from: number, to: number): string {
  const raw = text.slice(from, to);
  return raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
}

function doubled(list: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(list.length * 2);
  larger.set(list);
  return larger;
}
