import type { Gauge, GaugeType, Meter } from "../../events/rates/gauges.ts";
import { Throughput } from "../../events/rates/throughput.ts";
import type { ApiServices } from "../services.ts";
import { queuesAnswer } from "./queues.ts";
import { runningFor } from "./workers.ts";

/** How the figures of a second are measured: what the snapshots of the same things show, without what only time moves. */
export function meters({ pipeline, pressure, engine, external, eventLog, clock }: ApiServices): Readonly<Record<GaugeType, Meter>> {
  return {
    "queue.status": {
      async measure(tenant): Promise<Gauge[]> {
        const { queues, summary } = queuesAnswer(await pipeline.queues(tenant), engine.slots, await pressure.of(tenant));
        const shown = queues.map(({ name, status, depth, running, workers }) => ({ name, status, depth, running, workers }));
        return [{ type: "queue.status", entity: { kind: "queues", id: tenant }, data: { queues: shown, summary } }];
      },
    },
    "worker.stats": {
      async measure(tenant): Promise<Gauge[]> {
        const { id, slots } = engine;
        const outside = (await external.roster.list(tenant)).map((worker) => figures(worker.id, "external", worker.leases, null));
        return [figures(id, "local", runningFor(engine, tenant), slots), ...outside];
      },
    },
    "pipeline.throughput": new Throughput(eventLog, clock),
  };
}

function figures(worker: string, kind: "local" | "external", running: number, slots: number | null): Gauge {
  return { type: "worker.stats", entity: { kind: "worker", id: worker }, data: { worker, kind, running, slots } };
}
