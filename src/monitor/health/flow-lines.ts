import type { FlowPoint } from "../../store/port.ts";
import { MINUTE_MS } from "./open-batches.ts";

/** How batches end. */
export const ENDED = ["batches.completed", "batches.failed", "batches.cancelled", "batches.expired"] as const;

/** Counters of the last minutes, by source and minute: what rates, shares and sparklines are made from. The last minute is not over. */
export class FlowLines {
  readonly from: number;
  readonly minutes: number;
  private readonly now: number;
  private readonly lines = new Map<string, Map<string, number[]>>();

  constructor(points: readonly FlowPoint[], from: number, now: number) {
    this.from = from;
    this.now = now;
    this.minutes = Math.floor((now - from) / MINUTE_MS) + 1;
    for (const { at, source, metric, value } of points) {
      const n = Math.floor((at - from) / MINUTE_MS);
      const metrics = this.lines.get(source) ?? new Map<string, number[]>();
      this.lines.set(source, metrics);
      const line = metrics.get(metric) ?? Array.from({ length: this.minutes }, () => 0);
      metrics.set(metric, line);
      if (n >= 0 && n < this.minutes) line[n]! += value;
    }
  }

  sources(beginning: string): string[] {
    return [...this.lines.keys()].filter((source) => source.startsWith(beginning)).map((source) => source.slice(beginning.length));
  }

  /** Minute by minute. `source` may be a beginning that ends in `:`, `metric` one that ends in `.`. */
  line(source: string, ...metrics: readonly string[]): number[] {
    const sum = Array.from({ length: this.minutes }, () => 0);
    for (const [name, own] of this.lines) {
      if (!(source.endsWith(":") ? name.startsWith(source) : name === source)) continue;
      for (const [metric, line] of own) {
        if (!metrics.some((asked) => (asked.endsWith(".") ? metric.startsWith(asked) : metric === asked))) continue;
        line.forEach((value, n) => (sum[n]! += value));
      }
    }
    return sum;
  }

  sum(source: string, ...metrics: readonly string[]): number {
    return this.line(source, ...metrics).reduce((total, value) => total + value, 0);
  }

  perMinute(source: string, ...metrics: readonly string[]): number {
    return this.sum(source, ...metrics) / (Math.max(MINUTE_MS, this.now - this.from) / MINUTE_MS);
  }

  /** What follows a beginning → sum: the reasons of closing, the categories of failure. */
  parts(source: string, beginning: string): Record<string, number> {
    const parts: Record<string, number> = {};
    for (const [metric, line] of this.lines.get(source) ?? []) {
      if (metric.startsWith(beginning)) parts[metric.slice(beginning.length)] = line.reduce((total, value) => total + value, 0);
    }
    return parts;
  }
}

/** Null = of nothing. */
export function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : (part / whole) * 100;
}
