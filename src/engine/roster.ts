import type { Clock } from "../model/clock.ts";
import type { LostLease, Store, WorkedChunk } from "../store/port.ts";

/** A worker of outside that says nothing for so long, and holds nothing, has left. */
const SILENT_MS = 5 * 60_000;
/** A lost one is shown for so long. */
const LOST_MS = 60 * 60_000;
/** Names of one tenant: more are served, but neither listed nor told of. */
const MAX_WORKERS = 1_000;

/** Worker ids of outside workers start with this; local ones never do. */
export const EXTERNAL = "external:";

export type WorkerState = "live" | "draining" | "lost";

/** What a worker tells of the process it is and the machine it runs on; it need not. */
export interface WorkerProcess {
  version?: string | undefined;
  /** Name of the machine. */
  host?: string | undefined;
  /** Of one core. */
  cpuPercent?: number | undefined;
  rssBytes?: number | undefined;
  eventLoopLagMs?: number | undefined;
  /** Of all cores, whoever uses them. */
  hostCpuPercent?: number | undefined;
  hostMemoryBytes?: number | undefined;
  hostMemoryFreeBytes?: number | undefined;
}

export interface OutsideWorker {
  id: string;
  /** Leased chunks. */
  leases: number;
  state: WorkerState;
  /** Unix milliseconds; null = not since this process started, but it holds leases. */
  lastSeenAt: number | null;
  /** Chunks whose last report it sent, since it is known. */
  ended: number;
  /** As it told last; {} = it did not. */
  process: WorkerProcess;
}

interface Known {
  tenant: string;
  id: string;
  lastSeenAt: number;
  draining: boolean;
  lost: boolean;
  ended: number;
  process: WorkerProcess;
}

/** The workers of outside, by what they ask and what they hold. Who they are is forgotten by a restart, what they hold is not. */
export class Roster {
  private readonly store: Pick<Store, "chunks" | "events">;
  private readonly clock: Clock;
  private readonly known = new Map<string, Known>();

  constructor(parts: { store: Pick<Store, "chunks" | "events">; clock: Clock }) {
    this.store = parts.store;
    this.clock = parts.clock;
  }

  /** It asked for something. False = it drains: it may finish what it has, and gets nothing more. */
  async heard(tenant: string, id: string, process?: WorkerProcess): Promise<boolean> {
    if (!id.startsWith(EXTERNAL)) return true;
    const found = this.known.get(keyOf(tenant, id));
    if (found !== undefined) {
      const wasLost = found.lost;
      Object.assign(found, { lastSeenAt: this.clock.now(), lost: false, process: process ?? found.process });
      if (wasLost) await this.tell("worker.started", found);
      return !found.draining;
    }
    if ([...this.known.values()].filter((worker) => worker.tenant === tenant).length >= MAX_WORKERS) return true;
    await this.tell("worker.started", this.add(tenant, id, process));
    return true;
  }

  /** It has sent the last report about a chunk. */
  reported(tenant: string, id: string): void {
    const found = this.known.get(keyOf(tenant, id));
    if (found !== undefined) found.ended += 1;
  }

  /** Chunks that are worked on now, by whomever: those whose lease ends first before. */
  worked(tenant: string, limit: number): Promise<{ chunks: WorkedChunk[]; total: number }> {
    return this.store.chunks.worked(tenant, limit);
  }

  /** Leases that ran out unanswered. */
  async lost(leases: readonly LostLease[]): Promise<void> {
    for (const { tenant, workerId } of leases) {
      if (!workerId.startsWith(EXTERNAL)) continue;
      const found = this.known.get(keyOf(tenant, workerId)) ?? this.add(tenant, workerId);
      if (found.lost) continue;
      found.lost = true;
      await this.tell("worker.lost", found);
    }
  }

  /** Forgets those that left. */
  async sweep(): Promise<void> {
    const now = this.clock.now();
    for (const [key, worker] of this.known) {
      if (now - worker.lastSeenAt < (worker.lost ? LOST_MS : SILENT_MS)) continue;
      const holds = (await this.store.chunks.leases(worker.tenant)).some(({ workerId }) => workerId === worker.id);
      if (holds) continue;
      this.known.delete(key);
      if (!worker.lost) await this.tell("worker.stopped", worker);
    }
  }

  async list(tenant: string): Promise<OutsideWorker[]> {
    const held = (await this.store.chunks.leases(tenant)).filter(({ workerId }) => workerId.startsWith(EXTERNAL));
    const own = [...this.known.values()].filter((worker) => worker.tenant === tenant);
    const listed = own.map(({ id, lastSeenAt, draining, lost, ended, process }): OutsideWorker => ({
      id,
      leases: held.find(({ workerId }) => workerId === id)?.chunks ?? 0,
      state: lost ? "lost" : draining ? "draining" : "live",
      lastSeenAt,
      ended,
      process,
    }));
    const unheard = held.filter(({ workerId }) => own.every(({ id }) => id !== workerId));
    return [
      ...listed,
      ...unheard.map(({ workerId, chunks }): OutsideWorker => ({
        id: workerId,
        leases: chunks,
        state: "live",
        lastSeenAt: null,
        ended: 0,
        process: {},
      })),
    ].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** False = there is none of this name. */
  async setDraining(tenant: string, id: string, draining: boolean): Promise<boolean> {
    const isListed = (await this.list(tenant)).some((worker) => worker.id === id);
    if (!isListed) return false;
    (this.known.get(keyOf(tenant, id)) ?? this.add(tenant, id)).draining = draining;
    return true;
  }

  private add(tenant: string, id: string, process: WorkerProcess = {}): Known {
    const worker = { tenant, id, lastSeenAt: this.clock.now(), draining: false, lost: false, ended: 0, process };
    this.known.set(keyOf(tenant, id), worker);
    return worker;
  }

  private tell(type: "worker.started" | "worker.stopped" | "worker.lost", worker: Known): Promise<void> {
    return tellOfWorker(this.store, { type, tenant: worker.tenant, worker: worker.id, kind: "external", ts: this.clock.now() });
  }
}

/** Puts an event about a worker into the log. */
export function tellOfWorker(
  store: Pick<Store, "events">,
  event: {
    type: "worker.started" | "worker.stopped" | "worker.lost";
    tenant: string;
    worker: string;
    kind: "local" | "external";
    ts: number;
  },
): Promise<void> {
  const { type, tenant, worker, kind, ts } = event;
  const severity = type === "worker.lost" ? "critical" : "info";
  return store.events.append([{ tenant, type, entity: { kind: "worker", id: worker }, severity, ts, data: { worker, kind } }]);
}

function keyOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id]);
}
