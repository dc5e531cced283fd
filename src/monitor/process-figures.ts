import { statfs } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpus, freemem, hostname, totalmem } from "node:os";
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
  host: {
    name: string;
    /** Of all cores, whoever uses them, over `windowSeconds`; null = the system does not say. */
    cpuPercent: number | null;
    memoryBytes: number;
    memoryFreeBytes: number;
  };
  /** Free for this user where the data lies; null = the system does not say. */
  diskFreeBytes: number | null;
}

interface Window {
  from: number;
  cpuSeconds: number;
  cores: CoreTime;
}

/** Milliseconds of all cores since the machine started. */
interface CoreTime {
  busy: number;
  all: number;
}

interface Recent extends Pick<ProcessView, "lag" | "cpuPercent" | "windowSeconds"> {
  hostCpuPercent: number | null;
}

/** What this process takes of its machine. */
export class ProcessFigures {
  private readonly directory: string;
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private window: Window = { from: performance.now(), cpuSeconds: cpuSeconds(), cores: coreTime() };
  private last: Recent | null = null;

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
    const { hostCpuPercent, ...recent } = this.recent();
    return {
      pid,
      uptimeSeconds: uptime(),
      cpuSeconds: cpuSeconds(),
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapLimitBytes: getHeapStatistics().heap_size_limit,
      ...recent,
      host: { name: hostname(), cpuPercent: hostCpuPercent, memoryBytes: totalmem(), memoryFreeBytes: freemem() },
      diskFreeBytes: await this.diskFree(),
    };
  }

  /** Of the last whole window; of what has passed, when none has. */
  private recent(): Recent {
    const now = performance.now();
    const ms = now - this.window.from;
    if (this.last !== null && ms < WINDOW_MS) return this.last;
    const used = cpuSeconds();
    const { mean, max } = this.delay;
    // The histogram counts the whole interval between two looks, the one that was asked for included.
    const seconds = (ns: number): number => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000);
    const lag = Number.isNaN(mean) ? null : { mean: seconds(mean), p99: seconds(this.delay.percentile(99)), max: seconds(max) };
    const cores = coreTime();
    const passed = cores.all - this.window.cores.all;
    const hostCpuPercent = passed > 0 ? ((cores.busy - this.window.cores.busy) / passed) * 100 : null;
    const figures = {
      lag,
      hostCpuPercent,
      cpuPercent: ms === 0 ? 0 : ((used - this.window.cpuSeconds) / (ms / 1000)) * 100,
      windowSeconds: ms / 1000,
    };
    if (ms < WINDOW_MS) return figures;
    this.last = figures;
    this.window = { from: now, cpuSeconds: used, cores };
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

function coreTime(): CoreTime {
  const times = cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}

function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}
