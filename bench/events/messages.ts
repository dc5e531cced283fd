/** What the processes of bench/events.ts say to each other. */
export type ServerCommand = { make: "events"; rate: number; seconds: number; types: number; criticals: number } | { make: "end" };
export interface ServerReady {
  url: string;
}
export interface Made {
  made: number;
  /** Bytes. */
  rss: number;
}
export type ReaderCommand = { read: "open"; url: string; token: string; query: string; sse: number; sockets: number } | { read: "report" };
export interface Figures {
  frames: number;
  events: number;
  /** Milliseconds from the commit of an event to its reader, nearest rank. */
  p50: number;
  p99: number;
  criticalP99: number;
  /** Packets that the measured Socket.IO clients got. */
  packets: number;
}
