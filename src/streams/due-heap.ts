interface Entry<T> {
  at: number;
  value: T;
}

/** A binary heap: what is due first comes first. */
export class DueHeap<T> {
  private readonly entries: Entry<T>[] = [];

  get size(): number {
    return this.entries.length;
  }

  peek(): Entry<T> | null {
    return this.entries[0] ?? null;
  }

  clear(): void {
    this.entries.length = 0;
  }

  push(at: number, value: T): void {
    const { entries } = this;
    let i = entries.push({ at, value }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (entries[parent]!.at <= entries[i]!.at) return;
      this.swap(i, parent);
      i = parent;
    }
  }

  pop(): Entry<T> | null {
    const { entries } = this;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined) return null;
    if (entries.length === 0) return first;
    entries[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (left < entries.length && entries[left]!.at < entries[least]!.at) least = left;
      if (right < entries.length && entries[right]!.at < entries[least]!.at) least = right;
      if (least === i) return first;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(a: number, b: number): void {
    const kept = this.entries[a]!;
    this.entries[a] = this.entries[b]!;
    this.entries[b] = kept;
  }
}
