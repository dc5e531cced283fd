/** How fast items of an operation have been lately, for the size of its chunks. */
export class Speeds {
  private readonly msPerItem = new Map<string, number>();

  /** Mean milliseconds an item took; null = never seen. */
  of(tenant: string, operation: string): number | null {
    return this.msPerItem.get(`${tenant}/${operation}`) ?? null;
  }

  /** Exponentially weighted: a tenth of each new chunk's mean. */
  add(tenant: string, operation: string, meanMs: number): void {
    const name = `${tenant}/${operation}`;
    const before = this.msPerItem.get(name);
    if (this.msPerItem.size >= 10_000) this.msPerItem.clear();
    this.msPerItem.set(name, before === undefined ? meanMs : before * 0.9 + meanMs * 0.1);
  }
}
