import type { Attributes } from "../../tracing/port.ts";

/** What became of the items of one run, as its span tells it. */
export class RunTally {
  succeeded = 0;
  private failed = 0;
  private retried = 0;
  /** Error code → items. */
  private readonly codes = new Map<string, number>();

  fails(code: string): void {
    this.failed += 1;
    this.count(code);
  }

  retries(code: string): void {
    this.retried += 1;
    this.count(code);
  }

  add(other: RunTally): void {
    this.succeeded += other.succeeded;
    this.failed += other.failed;
    this.retried += other.retried;
    for (const [code, items] of other.codes) this.codes.set(code, (this.codes.get(code) ?? 0) + items);
  }

  get attributes(): Attributes {
    return {
      "batchyard.items.succeeded": this.succeeded,
      "batchyard.items.failed": this.failed,
      "batchyard.items.retried": this.retried,
    };
  }

  /** The error of most items; null when none had one. */
  get error(): string | null {
    let worst: [string, number] | null = null;
    for (const entry of this.codes) if (worst === null || entry[1] > worst[1]) worst = entry;
    return worst?.[0] ?? null;
  }

  private count(code: string): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }
}
