import { iso } from "../../model/clock.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import type { WorkerProcess } from "../../engine/roster.ts";
import type { ApiServices } from "../services.ts";
import { round } from "./batch.ts";

export interface WireWorker {
  id: string;
  kind: "local" | "external";
  slots: number | null;
  running: number;
  status: "idle" | "busy" | "off";
  state: "live" | "draining" | "lost";
  chunks_done: number | null;
  memory: { rss_bytes: number; heap_used_bytes: number | null } | null;
  event_loop_lag_p99_seconds: number | null;
  version: string | null;
  cpu_percent: number | null;
  host: { name: string | null; cpu_percent: number | null; memory_bytes: number | null; memory_free_bytes: number | null } | null;
  last_seen: string | null;
}

/** Chunks that run in this process: all of them for the server's own tenant, for another one those that are its own. */
export function runningFor(engine: ApiServices["engine"], tenant: string): number {
  return tenant === DEFAULT_TENANT ? engine.running : engine.runs().filter((run) => run.tenant === tenant).length;
}

/** The worker of this process, and those of the tenant that pull over HTTP. */
export async function wireWorkers(
  { engine, external, clock, process, version }: Pick<ApiServices, "engine" | "external" | "clock" | "process" | "version">,
  tenant: string,
): Promise<WireWorker[]> {
  const { id, slots, draining } = engine;
  const running = runningFor(engine, tenant);
  // What is of all tenants is told to the one whose server it is.
  const seen = tenant === DEFAULT_TENANT ? await process.read() : null;
  const own: WireWorker = {
    id,
    kind: "local",
    slots,
    running,
    status: slots === 0 ? "off" : running > 0 ? "busy" : "idle",
    state: draining ? "draining" : "live",
    chunks_done: seen === null ? null : engine.ended,
    memory: seen === null ? null : { rss_bytes: seen.rssBytes, heap_used_bytes: seen.heapUsedBytes },
    event_loop_lag_p99_seconds: seen?.lag?.p99 ?? null,
    version,
    cpu_percent: seen === null ? null : round(seen.cpuPercent, 1),
    host:
      seen === null
        ? null
        : {
            name: seen.host.name,
            cpu_percent: seen.host.cpuPercent === null ? null : round(seen.host.cpuPercent, 1),
            memory_bytes: seen.host.memoryBytes,
            memory_free_bytes: seen.host.memoryFreeBytes,
          },
    last_seen: iso(clock.now()),
  };
  const outside = (await external.roster.list(tenant)).map((worker): WireWorker => ({
    id: worker.id,
    kind: "external",
    slots: null,
    running: worker.leases,
    status: worker.leases > 0 ? "busy" : "idle",
    state: worker.state,
    chunks_done: worker.ended,
    ...toldOf(worker.process),
    last_seen: iso(worker.lastSeenAt),
  }));
  return [own, ...outside];
}

/** What a worker of outside told of itself. */
function toldOf(told: WorkerProcess): Pick<WireWorker, "memory" | "event_loop_lag_p99_seconds" | "version" | "cpu_percent" | "host"> {
  const { version, host, cpuPercent, rssBytes, eventLoopLagMs, hostCpuPercent, hostMemoryBytes, hostMemoryFreeBytes } = told;
  const toldHost = [host, hostCpuPercent, hostMemoryBytes, hostMemoryFreeBytes].some((each) => each !== undefined);
  return {
    version: version ?? null,
    cpu_percent: cpuPercent ?? null,
    memory: rssBytes === undefined ? null : { rss_bytes: rssBytes, heap_used_bytes: null },
    event_loop_lag_p99_seconds: eventLoopLagMs === undefined ? null : eventLoopLagMs / 1000,
    host: toldHost
      ? {
          name: host ?? null,
          cpu_percent: hostCpuPercent ?? null,
          memory_bytes: hostMemoryBytes ?? null,
          memory_free_bytes: hostMemoryFreeBytes ?? null,
        }
      : null,
  };
}
