import type { CoalescePolicy } from "../frames/coalescer.ts";
import type { Dialect } from "../frames/frame.ts";

export interface StreamRequest {
  tenant: string;
  batchId: string | null;
  stream: string | null;
  /** Exact types, or `noun.*`; null = all. */
  types: readonly string[] | null;
  policy: CoalescePolicy;
  /** The policy is the classic one as the settings have it, also when they change. */
  followsClassic: boolean;
  dialect: Dialect;
  /** The cursor to go on from; null = from now on. */
  since: string | null;
  /** Where a client that cannot resume finds the present state. */
  snapshotUrl: string;
  headers: Record<string, string | number | string[]>;
  /** Asked at each heartbeat; false ends the stream. */
  stillHolds: () => Promise<boolean>;
}

/** How much of the stream a connection gets: its own policy, windows of a second, or only what must not be missed. */
export type Pace = "normal" | "slow" | "thin";
