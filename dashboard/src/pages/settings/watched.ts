import { commits } from "../../live/commits.ts";
import { live } from "../../live/live.ts";

const WINDOW_MS = 60_000;
/** What the browser reports at all; shorter inputs are not told of. */
export const SHORTEST_INPUT_MS = 16;

/** What this page cost the browser in the last minute. Null = this browser does not tell, or nothing was measured yet. */
export interface Cost {
  commitsPerSecond: number;
  longTasks: number | null;
  longestTaskMs: number;
  /** The slowest input until it showed; 0 = none took as long as the browser reports. */
  inputMs: number | null;
  /** From an event on the server until it stands in this page. */
  delayMs: number | null;
}

interface Timed {
  startTime: number;
  duration: number;
}

const tells = (type: string): boolean => PerformanceObserver.supportedEntryTypes.includes(type);

/** Watches until it is ended; what the browser noted before is taken in. */
export class Watch {
  #tasks: Timed[] = [];
  #inputs: Timed[] = [];
  #from = 0;
  readonly #observers: PerformanceObserver[] = [];

  begin(): void {
    this.#tasks = [];
    this.#inputs = [];
    this.#observe({ type: "longtask" }, (entry) => this.#tasks.push(entry));
    this.#observe({ type: "event", durationThreshold: SHORTEST_INPUT_MS }, (entry) => {
      // Only what somebody did: moves of the pointer belong to no interaction.
      if ((entry as PerformanceEventTiming & { interactionId?: number }).interactionId !== 0) this.#inputs.push(entry);
    });
  }

  end(): void {
    for (const observer of this.#observers.splice(0)) observer.disconnect();
  }

  /** `now` by performance.now(). */
  cost(now: number): Cost {
    const recent = ({ startTime }: Timed): boolean => startTime >= Math.max(this.#from, now - WINDOW_MS);
    this.#tasks = this.#tasks.filter(recent);
    this.#inputs = this.#inputs.filter(recent);
    const longest = (entries: readonly Timed[]): number => Math.round(Math.max(0, ...entries.map(({ duration }) => duration)));
    return {
      commitsPerSecond: commits.perSecond(now),
      longTasks: tells("longtask") ? this.#tasks.length : null,
      longestTaskMs: longest(this.#tasks),
      inputMs: tells("event") ? longest(this.#inputs) : null,
      delayMs: live.pace(Date.now()).delayMs,
    };
  }

  /** From now on. */
  forget(): void {
    this.#from = performance.now();
    commits.forget();
  }

  #observe(options: PerformanceObserverInit & { type: string; durationThreshold?: number }, take: (entry: PerformanceEntry) => void): void {
    if (!tells(options.type)) return;
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
    observer.observe({ ...options, buffered: true });
    this.#observers.push(observer);
  }
}
