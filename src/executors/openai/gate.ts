import type { Clock } from "../../model/clock.ts";
import type { Circuit } from "./circuit.ts";
import type { Pace } from "./pace.ts";
import { Window } from "./window.ts";

/** Who waits looks again after this: its batch may have been paused meanwhile. */
const LOOK_AGAIN_MS = 1000;
/** For a longer time nobody waits here: the chunk goes back, and its slot is free for others. */
const LONGEST_PAUSE_MS = 5000;
/** A refusal that names no time: a second, doubled with each one that follows before an answer comes. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_GUESS_MS = 30_000;

/** A place among the requests under way. */
export interface Pass {
  readonly request: number;
  readonly tokens: number;
}

/** `pass` = send; `until` (Unix ms) = nothing can be sent before; `again` = look whether you still want to. */
export type Turn = { pass: Pass } | { until: number } | "again";

interface Waiter {
  tokens: number;
  resolve(turn: Turn): void;
}

/**
 * What every request to one model of one provider goes through, from whichever chunk. It lets one pass when a place of the window
 * is free, no refusal is being waited out, the breaker lets it, and every pace is ready. Who waits is served in order.
 */
export class Gate {
  readonly name: string;
  private readonly clock: Clock;
  private readonly circuit: Circuit;
  private readonly paces: { requests: Pace | null; tokens: Pace | null };
  private readonly window = new Window();
  private readonly waiting: Waiter[] = [];
  private underWay = 0;
  private pausedUntil = 0;
  private guessMs = FIRST_PAUSE_MS;
  private cancelTimer: (() => void) | null = null;

  constructor(parts: { name: string; clock: Clock; circuit: Circuit; paces: { requests: Pace | null; tokens: Pace | null } }) {
    this.name = parts.name;
    this.clock = parts.clock;
    this.circuit = parts.circuit;
    this.paces = parts.paces;
  }

  /** Requests that may be under way at once, as things are. */
  get size(): number {
    return this.window.size;
  }

  /** Requests under way now. */
  get busy(): number {
    return this.underWay;
  }

  /** Nobody is here: it can be forgotten. */
  get isIdle(): boolean {
    return this.underWay === 0 && this.waiting.length === 0;
  }

  /** `tokens` = what the request will take, estimated. */
  enter(tokens: number): Promise<Turn> {
    return new Promise((resolve) => {
      const waiter: Waiter = { tokens, resolve };
      this.waiting.push(waiter);
      this.serve();
      if (!this.waiting.includes(waiter)) return;
      const cancel = this.clock.after(LOOK_AGAIN_MS, () => {
        const place = this.waiting.indexOf(waiter);
        if (place < 0) return;
        this.waiting.splice(place, 1);
        resolve("again");
      });
      waiter.resolve = (turn) => {
        cancel();
        resolve(turn);
      };
    });
  }

  /** `used` = tokens as the answer says; null when it does not. */
  answered(pass: Pass, used: number | null): void {
    if (used !== null) this.paces.tokens?.correct(pass.tokens, used);
    this.window.answered(this.underWay >= this.window.size);
    this.guessMs = FIRST_PAUSE_MS;
    this.circuit.succeeded(this.name);
    this.left(pass);
  }

  /** The provider said 429. */
  refused(pass: Pass, retryAfterMs: number | null): void {
    const isNew = this.window.refused(pass.request);
    const pauseMs = retryAfterMs ?? (isNew ? this.guessMs : 0);
    if (retryAfterMs === null && isNew) this.guessMs = Math.min(LONGEST_GUESS_MS, this.guessMs * 2);
    this.pausedUntil = Math.max(this.pausedUntil, this.clock.now() + pauseMs);
    this.left(pass);
  }

  /** The provider is not there, or not well. True when nothing is sent for a while. */
  failed(pass: Pass, failure: Parameters<Circuit["failed"]>[1], opensAfter: number): boolean {
    const open = this.circuit.failed(this.name, failure, opensAfter);
    this.left(pass);
    return open;
  }

  /** It ended in a way that says nothing about the provider. */
  left(pass: Pass): void {
    this.underWay -= 1;
    this.circuit.ended(this.name, pass.request);
    this.serve();
  }

  private serve(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    while (this.waiting.length > 0) {
      const now = this.clock.now();
      const shutUntil = Math.max(this.pausedUntil, this.circuit.retryAt(this.name) ?? 0);
      if (this.circuit.retryAt(this.name) !== null && shutUntil > now) return this.turnAway(shutUntil);
      if (shutUntil > now + LONGEST_PAUSE_MS) return this.turnAway(shutUntil);
      const readyAt = Math.max(shutUntil, this.paces.requests?.readyAt ?? 0, this.paces.tokens?.readyAt ?? 0);
      if (readyAt > now) {
        this.cancelTimer = this.clock.after(readyAt - now, () => this.serve());
        return;
      }
      if (this.underWay >= this.window.size || !this.circuit.allows(this.name)) return;
      const { tokens, resolve } = this.waiting.shift()!;
      const pass = { request: this.window.send(), tokens };
      this.circuit.started(this.name, pass.request);
      this.underWay += 1;
      this.paces.requests?.take(1);
      this.paces.tokens?.take(tokens);
      resolve({ pass });
    }
  }

  private turnAway(until: number): void {
    for (const { resolve } of this.waiting.splice(0)) resolve({ until });
  }
}
