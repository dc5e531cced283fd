/** What the processes of bench/events.ts say to each other. */
export type ServerCommand = { make: "events"; rate: number; seconds: number; types: number; criticals: number } | { make: "end" };
export interface ServerReady {
  url: string;
}
export interface Made {
  made: number;
  /** Bytes. */
  rss: number;
  /** Milliseconds that a turn of the server's loop took, 99th percentile. */
  lagP99: number;
  /** Share of one core. */
  cpu: number;
}
export type ReaderCommand =
  | { read: "open"; url: string; token: string; coalesce: string; isMerged: boolean; sse: number; sockets: number }
  | { read: "begin" }
  | { read: "report" };
/** Milliseconds from the making of an event, just before its commit, to its reader, nearest rank. */
export interface Delays {
  /** Events that each measured reader got. */
  events: number[];
  /** Measured readers that were too slow and were told to load a snapshot: they need not have every event. */
  degraded: number;
  p50: number;
  p99: number;
  criticalP99: number;
  /** Bytes that came to all readers, and to the one that got least and most among those that only count. */
  bytes: number;
  least: number;
  most: number;
}
export interface Figures {
  sse: Delays;
  sockets: Delays;
  /** Milliseconds that a turn of the readers' loop took, 99th percentile: what of the delays is theirs. */
  lagP99: number;
  cpu: number;
}
