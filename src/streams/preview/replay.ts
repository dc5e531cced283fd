import { ARRIVAL_STARTS, type ArrivalColumns } from "../../model/arrival-block.ts";
import { rulesOf, runsOf, type ClosureSettings } from "../definition.ts";
import { DueHeap } from "../due-heap.ts";
import { dueAt, step, type Closure, type Window, type WindowEvent } from "../../model/window.ts";

/** Arrivals between two turns of the event loop: some 5 ms. */
const ARRIVALS_A_TURN = 10_000;
const JOINED = ARRIVAL_STARTS.indexOf("joined");
const ALONE = ARRIVAL_STARTS.indexOf("alone");

/** What people did meanwhile: it happens in every replay, whatever its rules. Times in Unix milliseconds. */
export type Act = { at: number; paused: boolean } | { at: number; flush: number };

export interface Recording {
  /** In order of time. */
  arrivals: ArrivalColumns;
  /** In order of time; `flush`: that window was closed by hand, by the number of its key in `arrivals`. */
  acts: readonly Act[];
  /** Paused when the recording begins. */
  paused: boolean;
  /** What is due until then closes, what is not stays open. */
  until: number;
}

export interface Replayed {
  /** Arrivals that took part: those of windows that opened before the recording began do not. */
  items: number;
  /** Keys that took part. */
  keys: number;
  /** Most items that were in open windows at once, and those that are at the end. */
  peakOpenItems: number;
  openItems: number;
  /** Unix milliseconds of the first that took part. */
  from: number;
}

/**
 * Runs recorded arrivals through the closure reducer under any rules, as the aggregator does with what arrives: windows by key,
 * closures in order of time. `closed` gets each as it happens. The event loop turns in between.
 */
export async function replay(
  recording: Recording,
  settings: ClosureSettings,
  closed: (key: number, closure: Closure) => void,
): Promise<Replayed> {
  const { arrivals, acts } = recording;
  const { at, key, bytes, start, length } = arrivals;
  const run = new Run(arrivals.keys.length, settings, recording.paused, closed);
  let act = 0;
  const actsUntil = (time: number): void => {
    // Of one millisecond: who flushes right after a post means to flush it, who pauses or resumes means what comes from now on.
    const before = (next: Act): boolean => next.at < time || (next.at === time && "paused" in next);
    for (let next = acts[act]; next !== undefined && before(next); next = acts[++act]) run.act(next);
  };
  for (let i = 0; i < length; i++) {
    if (i % ARRIVALS_A_TURN === ARRIVALS_A_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
    actsUntil(at[i]!);
    run.arrive(at[i]!, key[i]!, bytes[i]!, start[i]!);
  }
  actsUntil(recording.until + 1);
  run.advance(recording.until);
  const { items, keys, peakOpenItems, openItems, from } = run;
  return { items, keys, peakOpenItems, openItems, from };
}

class Run {
  items = 0;
  keys = 0;
  peakOpenItems = 0;
  openItems = 0;
  from = 0;
  private readonly settings: ClosureSettings;
  private rules: ReturnType<typeof rulesOf>;
  private readonly closed: (key: number, closure: Closure) => void;
  private readonly windows: (Window | null)[];
  private readonly started: Uint8Array;
  private readonly open = new Set<number>();
  /** By key, when the heap will ask about it; Infinity = not in the heap. */
  private readonly asked: Float64Array;
  private heap = new DueHeap<number>();
  private readonly nextRun: ((now: number) => number | null) | null;
  private runAt = Infinity;
  /** Never goes back. */
  private now = -Infinity;

  constructor(keys: number, settings: ClosureSettings, paused: boolean, closed: (key: number, closure: Closure) => void) {
    this.settings = settings;
    this.rules = rulesOf(settings, paused);
    this.closed = closed;
    this.windows = Array.from({ length: keys }, () => null);
    this.started = new Uint8Array(keys);
    this.asked = new Float64Array(keys).fill(Infinity);
    this.nextRun = settings.schedule === undefined ? null : runsOf(settings.schedule);
  }

  arrive(at: number, key: number, bytes: number, start: number): void {
    if (start !== ALONE && this.started[key] === 0) {
      if (start === JOINED) return;
      this.started[key] = 1;
      this.keys += 1;
    }
    if (this.items === 0) this.from = at;
    this.items += 1;
    this.advance(at);
    if (start === ALONE) {
      this.closed(key, { reason: "fast_path", openedAt: at, lastItemAt: at, closedAt: at, items: 1, bytes, lagMs: 0 });
      return;
    }
    this.openItems += 1;
    if (this.openItems > this.peakOpenItems) this.peakOpenItems = this.openItems;
    this.happens(key, { type: "item", bytes });
  }

  act(act: Act): void {
    this.advance(act.at);
    if ("flush" in act) {
      this.happens(act.flush, { type: "flush", reason: "manual" });
      return;
    }
    this.rules = rulesOf(this.settings, act.paused);
    this.heap = new DueHeap();
    this.asked.fill(Infinity);
    for (const key of this.open) this.ask(key);
    this.runAt = Infinity;
    this.plan();
    this.advance(act.at);
  }

  /** Everything that time closes until then, inclusive. */
  advance(until: number): void {
    for (;;) {
      const due = this.heap.peek();
      const next = Math.min(due?.at ?? Infinity, this.runAt);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (due !== null && due.at === next) this.due();
      else this.scheduled();
    }
    this.now = Math.max(this.now, until);
  }

  private due(): void {
    const { at, value: key } = this.heap.pop()!;
    if (this.asked[key] !== at) return;
    this.asked[key] = Infinity;
    const truly = dueAt(this.windows[key]!, this.rules);
    if (truly !== null && truly <= this.now) this.happens(key, { type: "tick" });
    else this.ask(key);
  }

  private scheduled(): void {
    for (const key of this.open) this.happens(key, { type: "flush", reason: "schedule" });
    this.runAt = Infinity;
    this.plan();
  }

  /** A schedule is only looked at while something is open. */
  private plan(): void {
    if (this.nextRun === null || this.rules.paused === true || this.open.size === 0 || this.runAt !== Infinity) return;
    this.runAt = this.nextRun(this.now) ?? Infinity;
  }

  private happens(key: number, event: WindowEvent): void {
    const before = this.windows[key] ?? null;
    if (before === null && event.type !== "item") return;
    const { window, closures } = step(before, event, this.now, this.rules);
    this.windows[key] = window;
    for (const closure of closures) {
      this.openItems -= closure.items;
      this.asked[key] = Infinity;
      this.closed(key, closure);
    }
    if (window === null) {
      if (before !== null) this.open.delete(key);
      return;
    }
    if (before === null || closures.length > 0) this.open.add(key);
    this.ask(key);
    this.plan();
  }

  /** Puts a window into the heap unless it is there for an earlier or the same time. */
  private ask(key: number): void {
    const at = dueAt(this.windows[key]!, this.rules);
    if (at === null || this.asked[key]! <= at) return;
    this.asked[key] = at;
    this.heap.push(at, key);
  }
}
