import type { BatchRow } from "../model/batch.ts";

/** What the service tells whoever runs the work, and asks it. The engine implements it; nothing here knows the engine. */
export interface Signals {
  /** There may be new work. */
  wake(): void;
  /** Someone changed a batch: running chunks must obey at once. */
  batchChanged(batch: Pick<BatchRow, "id" | "status">): void;
  /** Results came from outside; `lines` are their ItemResults as JSON, for whoever watches single items. */
  settled(batch: BatchRow, lines: () => string[]): void;
  /** Has this process a handler for it? */
  knows(operation: string): boolean;
  breakerOpen(operation: string): boolean;
  /** Slots for chunks in this process; 0 = none runs here. */
  slots(): number;
  /** Somebody told the worker of this process to start nothing. */
  draining(): boolean;
  msPerItem(tenant: string, operation: string): number | null;
}
