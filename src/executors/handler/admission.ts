import type { RunControl } from "../port.ts";

interface Entry {
  index: number;
  /** Until the rate limit lets it start; null = it may. */
  wait: Promise<void> | null;
}

/** The items of a chunk that have not started, handed out in groups in their order. Each asks the rate limit once, however often it is given back. */
export class Admission {
  private readonly control: RunControl;
  private readonly count: number;
  private next = 0;
  private readonly ahead: Entry[] = [];

  constructor(control: RunControl, count: number) {
    this.control = control;
    this.count = count;
  }

  get left(): number {
    return this.ahead.length + this.count - this.next;
  }

  /** Up to `size` items that may start now; when none may, waits for the first. Empty = none are left. */
  async take(size: number): Promise<number[]> {
    const group: number[] = [];
    while (group.length < size) {
      const entry = this.ahead.shift() ?? this.fresh();
      if (entry === null) break;
      if (entry.wait !== null) {
        if (group.length > 0) {
          this.ahead.unshift(entry);
          break;
        }
        await entry.wait;
        return [entry.index];
      }
      group.push(entry.index);
    }
    return group;
  }

  giveBack(indices: readonly number[]): void {
    this.ahead.unshift(...indices.map((index) => ({ index, wait: null })));
  }

  private fresh(): Entry | null {
    return this.next < this.count ? { index: this.next++, wait: this.control.admit() } : null;
  }
}
