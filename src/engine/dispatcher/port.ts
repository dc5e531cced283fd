/**
 * Carries hints from the feeder to the workers: "this chunk is worth claiming". The store is the truth: losing every
 * message loses nothing, the feeder sends again; receiving one twice counts nothing twice, the claim is guarded.
 */
export interface ChunkHint {
  chunkId: number;
  batchId: string;
  tenant: string;
  operation: string;
  /** 0 low .. 3 critical. */
  priority: number;
  /** A worker died while holding it: to be run alone, so that the next death names the culprit. */
  suspect: boolean;
}

export interface Dispatcher {
  offer(hint: ChunkHint): void;
  /** The next hint by weighted priority, or null. `accept` leaves a hint where it is. */
  take(accept: (hint: ChunkHint) => boolean): ChunkHint | null;
  /** Hints waiting at this priority. */
  waiting(priority: number): number;
  /** Highest priority waiting, -1 when empty. */
  highest(): number;
  suspects(): number;
}
