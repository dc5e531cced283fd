import type { HandlerLog } from "../../operations/operation.ts";
import type { ChunkWork } from "../port.ts";

/** Where what handlers say goes. */
export interface HandlerVoice {
  /** The server's log for one item; `key` is `""` for a whole chunk. */
  logOf(work: ChunkWork, key: string): HandlerLog;
  /** To whoever watches single items of the batch. */
  progress(work: ChunkWork, key: string, share: number): void;
}

/** Throws RangeError for what is no share. */
export function checkedShare(share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`progress takes a number from 0 to 1, not ${share}`);
  return share;
}
