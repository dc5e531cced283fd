import type { Clock } from "../../model/clock.ts";
import type { StoredEvent } from "../../model/event.ts";
import { dueAt, step, type Window, type WindowRules } from "../../model/window.ts";
import { classOf } from "../catalogue.ts";
import { framesOf, groupOf, type Frame, type FrameRules } from "./frame.ts";

/**
 * How events become fewer frames.
 *
 *     default  the first event after a quiet time goes at once, then one flush a window; critical ones go at once
 *     classic  a flush when a group has `maxEvents`, or `windowMs` after its first event
 *     off      every event by itself
 */
export interface CoalescePolicy {
  readonly kind: "default" | "classic" | "off";
  readonly windowMs: number;
  /** Events of a frame at most. */
  readonly maxEvents: number;
}

/** More than this at once is sent before the window ends: what waits must stay small. */
const MAX_WAITING = 1_000;
/** Bytes of data of a flush: less than what makes a reader count as slow. An event that is larger goes alone. */
export const MAX_FLUSH_BYTES = 48 * 1024;

export const DEFAULT_POLICY: CoalescePolicy = { kind: "default", windowMs: 250, maxEvents: MAX_WAITING };

export interface Flush {
  /** Every wanted event after `base` and up to `end` is in the frames, or replaced by one that is. */
  readonly base: number;
  readonly end: number;
  readonly frames: readonly Frame[];
  readonly events: number;
  /** Someone should look now: it must not wait for a writer's rest. */
  readonly urgent: boolean;
}

/**
 * Collects events until a window closes, one window for each group, by the closure reducer. When one closes, all go: so what
 * was sent is always everything up to some seq, and a reader can resume there. Adding is all a producer does; it never waits.
 */
export class Coalescer {
  readonly policy: CoalescePolicy;
  private readonly clock: Clock;
  private readonly sent: (flush: Flush) => void;
  private readonly windows = new Map<string, Window>();
  private waiting: StoredEvent[] = [];
  private bytes = 0;
  private base: number;
  private lastFlushAt = -Infinity;
  private cancelTimer: () => void = () => undefined;
  private readonly frameRules: FrameRules;

  constructor(options: {
    policy: CoalescePolicy;
    clock: Clock;
    position: number;
    /** What frames of the policy are, unless the reader needs others. */
    frameRules?: FrameRules;
    sent: (flush: Flush) => void;
  }) {
    this.policy = options.policy;
    this.frameRules = options.frameRules ?? frameRulesOf(options.policy);
    this.clock = options.clock;
    this.base = options.position;
    this.sent = options.sent;
  }

  get pending(): number {
    return this.waiting.length;
  }

  /** Events in order of seq, all later than those before. */
  add(events: readonly StoredEvent[]): void {
    const now = this.clock.now();
    const { kind } = this.policy;
    const isQuiet = this.waiting.length === 0 && now - this.lastFlushAt >= this.policy.windowMs;
    const rules: WindowRules = kind === "off" || (kind === "default" && isQuiet) ? { maxItems: 1 } : this.rules;
    let closed = false;
    if (this.waiting.length === 0 && events.length > 0) this.base = Math.max(this.base, events[0]!.seq - 1);
    for (const event of events) {
      const bytes = bytesOf(event);
      if (this.bytes + bytes > MAX_FLUSH_BYTES) this.flush();
      this.waiting.push(event);
      this.bytes += bytes;
      const group = groupOf(event);
      const { window, closures } = step(this.windows.get(group) ?? null, { type: "item", bytes }, now, rules);
      if (window === null) this.windows.delete(group);
      else this.windows.set(group, window);
      closed ||= closures.length > 0 || (kind === "default" && classOf(event.type) === "critical");
      // What came together goes together, but for the classic policy the next event starts a new group.
      if (closed && kind === "classic") {
        this.flush();
        closed = false;
      }
    }
    if (closed) this.flush();
    else this.arm();
  }

  /** Sends what waits, now. */
  flush(): void {
    this.cancelTimer();
    this.windows.clear();
    const events = this.waiting;
    if (events.length === 0) return;
    this.waiting = [];
    this.bytes = 0;
    this.lastFlushAt = this.clock.now();
    const base = this.base;
    this.base = events.at(-1)!.seq;
    const urgent = events.some((event) => classOf(event.type) === "critical");
    this.sent({ base, end: this.base, frames: framesOf(events, this.frameRules), events: events.length, urgent });
  }

  /** Whether something other than figures waits that is about the entity. */
  waitsFor(entityId: string): boolean {
    return this.waiting.some(({ type, entity }) => entity.id === entityId && classOf(type) !== "latest");
  }

  /** Forgets what waits. */
  close(): void {
    this.cancelTimer();
    this.windows.clear();
    this.waiting = [];
    this.bytes = 0;
  }

  private get rules(): WindowRules {
    return { maxAgeMs: this.policy.windowMs, maxItems: this.policy.maxEvents };
  }

  private arm(): void {
    this.cancelTimer();
    const due = Math.min(...[...this.windows.values()].map((window) => dueAt(window, this.rules) ?? Infinity));
    if (due === Infinity) return;
    this.cancelTimer = this.clock.after(due - this.clock.now(), () => this.tick());
  }

  private tick(): void {
    const now = this.clock.now();
    const isDue = [...this.windows.values()].some((window) => step(window, { type: "tick" }, now, this.rules).closures.length > 0);
    if (isDue) this.flush();
    else this.arm();
  }
}

export function frameRulesOf(policy: CoalescePolicy): FrameRules {
  return { raw: policy.kind === "off", maxEvents: policy.maxEvents, mergeCritical: policy.kind === "classic", lastFigures: false };
}

/** Measured once, however many channels carry it. */
const sizes = new WeakMap<StoredEvent, number>();

export function bytesOf(event: StoredEvent): number {
  let bytes = sizes.get(event);
  if (bytes === undefined) {
    bytes = JSON.stringify(event.data).length;
    sizes.set(event, bytes);
  }
  return bytes;
}
