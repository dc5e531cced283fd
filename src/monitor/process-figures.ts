import { statfs } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpuUsage, memoryUsage, pid, uptime } from "node:process";
import { getHeapStatistics } from "node:v8";

/** Figures are of a time at least so long, so that two who ask one after the other are told the same. */
const WINDOW_MS = 10_000;
const RESOLUTION_MS = 20;

export interface ProcessView {
  pid: number;
  uptimeSeconds: number;
  cpuSeconds: number;
  /** Of one core, over `windowSeconds`. */
  cpuPercent: number;
  rssBytes: number;
  heapUsedBytes: number;
  heapLimitBytes: number;
  /** How much later than it should the event loop came round, seconds, over `windowSeconds`; null = not measured yet. */
  lag: { mean: number; p99: number; max: number } | null;
  windowSeconds: number;
  /** Free for this user where the data lies; null = the system does not say. */
  diskFreeBytes: number | null;
}

interface Window {
  from: number;
  cpuSeconds: number;
}

/** What this process takes of its machine. */
export class ProcessFigures {
  private readonly directory: string;
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private window: Window = { from: performance.now(), cpuSeconds: cpuSeconds() };
  private last: Pick<ProcessView, "lag" | "cpuPercent" | "windowSeconds"> | null = null;

  /** `directory`: where the data lies. */
  constructor(directory: string) {
    this.directory = directory;
    this.delay.enable();
  }

  close(): void {
    this.delay.disable();
  }

  async read(): Promise<ProcessView> {
    const { rss, heapUsed } = memoryUsage();
    return {
      pid,
      uptimeSeconds: uptime(),
      cpuSeconds: cpuSeconds(),
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapLimitBytes: getHeapStatistics().heap_size_limit,
      ...this.recent(),
      diskFreeBytes: await this.diskFree(),
    };
  }

  /** Of the last whole window; of what has passed, when none has. */
  private recent(): Pick<ProcessView, "lag" | "cpuPercent" | "windowSeconds"> {
    const now = performance.now();
    const ms = now - this.window.from;
    if (this.last !== null && ms < WINDOW_MS) return this.last;
    const used = cpuSeconds();
    const { mean, max } = this.delay;
    // The histogram counts the whole interval between two looks, the one that was asked for included.
    const seconds = (ns: number): number => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000);
    const lag = Number.isNaN(mean) ? null : { mean: seconds(mean), p99: seconds(this.delay.percentile(99)), max: seconds(max) };
    const figures = { lag, cpuPercent: ms === 0 ? 0 : ((used - this.window.cpuSeconds) / (ms / 1000)) * 100, windowSeconds: ms / 1000 };
    if (ms < WINDOW_MS) return figures;
    this.last = figures;
    this.window = { from: now, cpuSeconds: used };
    this.delay.reset();
    return figures;
  }

  private async diskFree(): Promise<number | null> {
    try {
      const { bavail, bsize } = await statfs(this.directory);
      return bavail * bsize;
    } catch {
      return null;
    }
  }
}

function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}
