import { isDeepStrictEqual } from "node:util";
import { unmergeData } from "../../model/merged-event.ts";
import type { StoredEvent } from "../../model/event.ts";
import type { Flush } from "./coalescer.ts";
import type { Dialect, WireFrame } from "./frame.ts";

/** One merged frame in so many is taken apart again. */
const SAMPLED_EVERY = 20;
const WRITES_KEPT = 1_000;
/** What writing may take once a window is over, milliseconds. */
const LATE_LIMIT_MS = 150;

export interface DeliveryHealth {
  ok: boolean;
  /** Every event of the log came to the channels once and in order, and left them in a frame or replaced by one that did. */
  lost: { ok: boolean; checked: number; missing: number; out_of_order: number };
  /** Merged frames, taken apart again, are the events they were made of. */
  payload: { ok: boolean; checked: number; wrong: number };
  /** Of the last flushes: for how long the oldest event of each waited beyond its window. */
  delay: { ok: boolean; checked: number; late_p99_ms: number | null; late_limit_ms: number };
}

/** Watches what the channels do with the events they are given. Costs a few numbers a flush. */
export class DeliveryCheck {
  private position: number | null = null;
  private checked = 0;
  private missing = 0;
  private outOfOrder = 0;
  private merged = 0;
  private payloads = 0;
  private wrong = 0;
  private writes = 0;
  private readonly lates: number[] = [];

  /** A page of the log; the first one says where the check begins. Its seqs have no gaps. */
  handed(events: readonly StoredEvent[]): void {
    this.checked += events.length;
    for (const { seq } of events) {
      if (this.position !== null && seq <= this.position) this.outOfOrder += 1;
      else if (this.position !== null) this.missing += seq - this.position - 1;
      this.position = Math.max(this.position ?? 0, seq);
    }
  }

  /** Events that a channel was given and that neither wait there nor were sent. */
  unaccounted(lost: number): void {
    this.missing += Math.max(0, lost);
  }

  /** What a channel sends next; everything up to `after` was sent before. */
  flushed(flush: Flush, after: number): void {
    if (flush.base < after || flush.end <= flush.base) this.outOfOrder += 1;
  }

  /** A flush was written whose events, with all that its window allows, are due when they happened at `due` (unix ms) or later. */
  written(flush: Flush, due: number): void {
    let oldest = Infinity;
    for (const { events } of flush.frames) oldest = Math.min(oldest, events[0]!.ts);
    this.lates[this.writes++ % WRITES_KEPT] = Math.max(0, due - oldest);
  }

  wired(events: readonly StoredEvent[], frame: WireFrame, dialect: Dialect): void {
    if (events.length === 1 || this.merged++ % SAMPLED_EVERY !== 0) return;
    this.payloads += 1;
    const isRight =
      dialect === "core"
        ? isDeepStrictEqual(
            unmergeData(frame.data),
            events.map(({ data }) => data),
          )
        : frame.data["batch_count"] === events.length;
    if (!isRight) this.wrong += 1;
  }

  health(): DeliveryHealth {
    const lost = {
      ok: this.missing === 0 && this.outOfOrder === 0,
      checked: this.checked,
      missing: this.missing,
      out_of_order: this.outOfOrder,
    };
    const payload = { ok: this.wrong === 0, checked: this.payloads, wrong: this.wrong };
    const late = percentile(this.lates, 0.99);
    const delay = {
      ok: late === null || late <= LATE_LIMIT_MS,
      checked: this.lates.length,
      late_p99_ms: late,
      late_limit_ms: LATE_LIMIT_MS,
    };
    return { ok: lost.ok && payload.ok && delay.ok, lost, payload, delay };
  }
}

/** Nearest rank. */
function percentile(values: readonly number[], p: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(p * sorted.length) - 1] ?? null;
}
