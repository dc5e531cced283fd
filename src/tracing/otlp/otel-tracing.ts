import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from "@opentelemetry/api";
import { SamplingDecision, type Sampler, type TracerProvider } from "@opentelemetry/sdk-trace";
import type { BatchTrace } from "../../model/trace.ts";
import type { Attributes, EndedBatch, OpenSpan, Tracing } from "../port.ts";
import type { SpanIds } from "./span-ids.ts";

/** The rest of a shutdown does not wait for a collector that is away. */
const CLOSE_MS = 2000;

export interface OtelTracingParts {
  provider: TracerProvider;
  sampler: Sampler;
  ids: SpanIds;
  version: string;
}

/** Spans of the OpenTelemetry SDK. The span of a batch is written at its end, under ids that were drawn at its creation. */
export class OtelTracing implements Tracing {
  readonly on = true;
  private readonly parts: OtelTracingParts;
  private readonly tracer: Tracer;

  constructor(parts: OtelTracingParts) {
    this.parts = parts;
    this.tracer = parts.provider.getTracer("batchyard", parts.version);
  }

  ingest(name: string, parent: string | null, attributes: Attributes): OpenSpan {
    return opened(this.tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, within(parent)));
  }

  batch(parent: string | null): BatchTrace {
    const { ids, sampler } = this.parts;
    const traceId = parent === null ? ids.generateTraceId() : contextOf(parent).traceId;
    const { decision } = sampler.shouldSample(within(parent), traceId, "batch", SpanKind.INTERNAL, {}, []);
    const traceFlags = decision === SamplingDecision.RECORD_AND_SAMPLED ? TraceFlags.SAMPLED : TraceFlags.NONE;
    return { context: textOf({ traceId, spanId: ids.generateSpanId(), traceFlags }), parent };
  }

  attempt(parent: string | null, attributes: Attributes): OpenSpan {
    return opened(this.tracer.startSpan("attempt", { kind: SpanKind.INTERNAL, attributes }, within(parent)));
  }

  ended({ batch, status, epoch, startedAt, endedAt, counts, links }: EndedBatch): void {
    if (batch.trace === null) return;
    const { context, parent } = batch.trace;
    const options = {
      kind: SpanKind.INTERNAL,
      startTime: startedAt,
      attributes: { ...attributesOf(batch), ...counts, "batchyard.batch.status": status, "batchyard.batch.epoch": epoch },
      links: links.map((link) => ({ context: contextOf(link) })),
    };
    // The ids of a batch are those of its first run; a later run is a span within it.
    const span =
      epoch === 1
        ? this.parts.ids.under(contextOf(context), () => this.tracer.startSpan("batch", options, within(parent)))
        : this.tracer.startSpan("batch run", options, within(context));
    if (status !== "completed") span.setStatus({ code: SpanStatusCode.ERROR, message: status });
    span.end(endedAt);
  }

  async close(): Promise<void> {
    const late = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS);
      timer.unref();
    });
    await Promise.race([this.parts.provider.shutdown().catch(() => {}), late]);
  }
}

function attributesOf(batch: EndedBatch["batch"]): Attributes {
  return {
    "batchyard.batch.id": batch.id,
    "batchyard.operation": batch.operation,
    "batchyard.executor": batch.executor,
    ...(batch.stream === null ? {} : { "batchyard.stream": batch.stream }),
    ...(batch.closeReason === null ? {} : { "batchyard.close_reason": batch.closeReason }),
  };
}

function opened(span: Span): OpenSpan {
  return {
    traceparent: textOf(span.spanContext()),
    end({ attributes, error }) {
      span.setAttributes(attributes);
      if (error !== null) span.setAttribute("error.type", error).setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end();
    },
  };
}

function within(parent: string | null): Context {
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(parent));
}

/** Of a traceparent that src/model/trace.ts has let through. */
function contextOf(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = "00"] = traceparent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function textOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? "00" : "01"}`;
}
