/** Times an item is put back without losing an attempt, until it loses one: a provider that refuses it alone would be asked for ever. */
const TIMES = 20;
const MAX_ITEMS = 50_000;

/** Counts how often items were put back because of their provider, over all runs in this process. */
export class Patience {
  private readonly times = new Map<string, number>();

  /** False: this was once too often; the count starts anew. */
  spend(item: string): boolean {
    const times = (this.times.get(item) ?? 0) + 1;
    this.times.delete(item);
    if (times > TIMES) return false;
    this.times.set(item, times);
    if (this.times.size > MAX_ITEMS) this.times.delete(this.times.keys().next().value!);
    return true;
  }

  forget(item: string): void {
    this.times.delete(item);
  }
}
