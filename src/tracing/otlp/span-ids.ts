import { RandomIdGenerator, type IdGenerator } from "@opentelemetry/sdk-trace";

/** Random ids, but for one span at a time those that it was promised. */
export class SpanIds implements IdGenerator {
  private readonly random = new RandomIdGenerator();
  private promised: { traceId: string; spanId: string } | null = null;

  generateTraceId = (): string => this.promised?.traceId ?? this.random.generateTraceId();
  generateSpanId = (): string => this.promised?.spanId ?? this.random.generateSpanId();

  /** Spans that `start` begins get these ids. */
  under<T>(ids: { traceId: string; spanId: string }, start: () => T): T {
    this.promised = ids;
    try {
      return start();
    } finally {
      this.promised = null;
    }
  }
}
