import { Exposition, EXPOSITION_TYPE } from "../../monitor/metrics/exposition.ts";
import * as contract from "../contract/metrics.ts";
import { route, type Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import type { MetricReader } from "../wire/metric-readings.ts";

/** The numbers of the caller's tenant for Prometheus. */
export function metricRoutes({ monitor, clock }: ApiServices, reader: MetricReader): Route[] {
  const exposition = new Exposition(monitor, clock.now());
  return [
    route({
      method: "GET",
      path: "/metrics",
      summary: "Every metric as Prometheus text; detail=low adds up all sources",
      tag: "Monitoring",
      need: "viewer",
      query: contract.metricsQuery,
      answers: { 200: "text/plain" },
      async handle({ caller, query }) {
        const text = await exposition.text(caller.tenant, await reader.read(caller), query.detail, clock.now());
        return { kind: "stream", stream: one(text), headers: { "content-type": EXPOSITION_TYPE } };
      },
    }),
  ];
}

async function* one(text: string): AsyncGenerator<string> {
  yield text;
}
