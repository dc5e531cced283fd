import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, ConsoleSpanExporter, TracerProvider, type SpanExporter, type SpanLimits } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import type { Tracing } from "../port.ts";
import type { OtelVariables, WantedTracing } from "../wanted.ts";
import { OtelTracing } from "./otel-tracing.ts";
import { samplerOf } from "./sampler.ts";
import { SpanIds } from "./span-ids.ts";
import { WatchedExporter } from "./watched-exporter.ts";

export interface OpenTracingParts {
  exporter: NonNullable<WantedTracing["exporter"]>;
  otel: OtelVariables;
  log: Pick<Logger, "info" | "warn">;
  version: string;
}

/** Loads the exporter that is asked for. Where it sends to, with which headers and certificates, the SDK reads itself from OTEL_*. */
export async function openTracing({ exporter, otel, log, version }: OpenTracingParts): Promise<Tracing> {
  const { sampler, fault } = samplerOf(otel);
  if (fault !== null) log.warn(fault);
  const watched = new WatchedExporter(await exporterOf(exporter), {
    failing: (reason) => log.warn({ reason }, "traces cannot be sent; they are dropped until the collector answers"),
    again: (lost) => log.info({ lost }, "traces are sent again"),
  });
  const own = resourceFromAttributes({ "service.name": "batchyard", "service.version": version });
  const ids = new SpanIds();
  const provider = new TracerProvider({
    sampler,
    idGenerator: ids,
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanLimits: limitsOf(otel),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: watched,
        ...numbers(otel, {
          scheduledDelayMillis: "OTEL_BSP_SCHEDULE_DELAY",
          exportTimeoutMillis: "OTEL_BSP_EXPORT_TIMEOUT",
          maxQueueSize: "OTEL_BSP_MAX_QUEUE_SIZE",
          maxExportBatchSize: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        }),
      }),
    ],
  });
  return new OtelTracing({ provider, sampler, ids, version });
}

async function exporterOf(kind: OpenTracingParts["exporter"]): Promise<SpanExporter> {
  if (kind === "console") return new ConsoleSpanExporter();
  const { OTLPTraceExporter } =
    kind === "otlp-json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter();
}

function limitsOf(otel: OtelVariables): SpanLimits {
  return {
    ...numbers(otel, { attributeCountLimit: "OTEL_ATTRIBUTE_COUNT_LIMIT", attributeValueLengthLimit: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT" }),
    ...numbers(otel, {
      attributeCountLimit: "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
      attributeValueLengthLimit: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
      linkCountLimit: "OTEL_SPAN_LINK_COUNT_LIMIT",
      attributePerLinkCountLimit: "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    }),
  };
}

/** Those of the variables that hold a whole number of 1 or more; the SDK's defaults stand for the rest. */
function numbers<N extends string>(otel: OtelVariables, names: Record<N, string>): Partial<Record<N, number>> {
  const found: Partial<Record<N, number>> = {};
  for (const [option, name] of Object.entries(names) as [N, string][]) {
    const value = Number((otel[name] ?? "").trim());
    if (Number.isSafeInteger(value) && value > 0) found[option] = value;
  }
  return found;
}
