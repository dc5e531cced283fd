import { count, duration, rate } from "./figures.ts";
import type { Terminal } from "./terminal.ts";

export interface Standing {
  label: string;
  /** Null while the number is not known yet. */
  total: number | null;
  processed: number;
  failed: number;
  /** Whole percent. */
  progress: number;
  itemsPerSecond: number | null;
  /** Unix milliseconds. */
  etaAt: number | null;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
// Off a terminal every line stays in a log: one each five seconds tells that it moves without burying the rest.
const PLAIN_LINE_MS = 5_000;

/** A bar on stderr that is redrawn in place; off a terminal a plain line every few seconds. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #shownAt = Number.NEGATIVE_INFINITY;
  #pending: Standing | null = null;

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#now = now;
  }

  update(standing: Standing): void {
    const now = this.#now();
    this.#pending = standing;
    if (now - this.#shownAt < (this.#terminal.animated ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#shownAt = now;
    this.#show(now, false);
  }

  /** Leaves the last state on the screen. */
  end(): void {
    if (this.#pending !== null) this.#show(this.#now(), true);
  }

  #show(now: number, last: boolean): void {
    if (this.#pending === null) return;
    if (this.#terminal.animated && !last)
      this.#terminal.draw(fit(`${bar(this.#pending.progress)} ${sentence(this.#pending, now)}`, this.#terminal.columns));
    else
      this.#terminal.say(
        this.#terminal.animated ? `${bar(this.#pending.progress)} ${sentence(this.#pending, now)}` : sentence(this.#pending, now),
      );
    this.#pending = null;
  }
}

/** `[██████░░░░]`, full only at 100 percent. */
export function bar(progress: number, width = BAR_WIDTH): string {
  const full = Math.floor((Math.max(0, Math.min(100, progress)) / 100) * width);
  return `[${"█".repeat(full)}${"░".repeat(width - full)}]`;
}

/** `validate  45 %  4,500/10,000  1,200/s  5 s left  2 failed` */
export function sentence(standing: Standing, now: number): string {
  const parts = [standing.label];
  if (standing.total === null) parts.push(`${count(standing.processed)} items`);
  else parts.push(`${standing.progress} %`, `${count(standing.processed)}/${count(standing.total)}`);
  if (standing.itemsPerSecond !== null && standing.itemsPerSecond > 0) parts.push(rate(standing.itemsPerSecond));
  if (standing.etaAt !== null && standing.etaAt > now) parts.push(`${duration(standing.etaAt - now)} left`);
  if (standing.failed > 0) parts.push(`${count(standing.failed)} failed`);
  return parts.filter((part) => part !== "").join("  ");
}

function fit(line: string, columns: number): string {
  return line.length < columns ? line : line.slice(0, Math.max(0, columns - 1));
}
