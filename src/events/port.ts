import type { StoredEvent } from "../model/event.ts";

/** The tail of the event log: what is stored, and what is stored from now on. */
export interface EventLog {
  /** Changes when the log starts anew; part of every cursor. */
  epoch(): string;
  /** The newest seq that readers may see. */
  lastSeq(): number;
  /** The oldest seq still kept, 0 when the log is empty. */
  firstSeq(): Promise<number>;
  /** In order of seq, `after` exclusive. */
  read(after: number, limit: number, filter?: { tenant?: string; entity?: string }): Promise<StoredEvent[]>;
  /** Hands over every event after the `lastSeq()` of this moment, in order, without gaps; the returned function ends it. */
  subscribe(listener: (events: StoredEvent[]) => void): () => void;
}

/** Results as chunks settle, for watchers of single items; never stored apart from the results themselves. */
export interface SettledItems {
  /**
   * Calls `listener` with the ItemResult lines (JSON texts) of a commit, only for batches that are `wanted` at that moment.
   * The returned function ends it.
   */
  onSettled(listener: (batchId: string, tenant: string, lines: string[]) => void, wanted: (batchId: string) => boolean): () => void;
  /** Calls `listener` with how far a handler says that an item is, 0..1. The returned function ends it. */
  onItemProgress(listener: (batchId: string, tenant: string, key: string, share: number) => void): () => void;
}

/** `<epoch>.<seq>`: the position after an event. */
export function cursorText(epoch: string, seq: number): string {
  return `${epoch}.${seq}`;
}

/**
 * A position within a flush of several frames, whose events interleave: the first `frames` of those made of the events after
 * the cursor's seq and up to `end` were read. `tag` tells by which filter and policy they were made.
 */
export interface FlushPart {
  end: number;
  frames: number;
  tag: string;
}

export interface Cursor {
  epoch: string;
  seq: number;
  part: FlushPart | null;
}

export function partCursorText(epoch: string, seq: number, part: FlushPart): string {
  return `${epoch}.${seq}.${part.end}.${part.frames}.${part.tag}`;
}

/** Null when the text is no cursor at all. */
export function parseCursor(text: string): Cursor | null {
  const match = /^([A-Za-z0-9_-]{1,64})\.(\d{1,15})(?:\.(\d{1,15})\.(\d{1,6})\.([0-9a-z]{1,12}))?$/.exec(text);
  if (match === null) return null;
  const [, epoch = "", seq, end, frames, tag] = match;
  return { epoch, seq: Number(seq), part: tag === undefined ? null : { end: Number(end), frames: Number(frames), tag } };
}
