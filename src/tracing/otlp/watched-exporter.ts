import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

/** 0 = success, as @opentelemetry/core numbers it. */
const SUCCESS = 0;

type Answer = Parameters<SpanExporter["export"]>[1];

/** Says once when spans cannot be sent, and once when they can again: a collector that is away for a night is two lines. */
export class WatchedExporter implements SpanExporter {
  private readonly inner: SpanExporter;
  private readonly tell: { failing(reason: string): void; again(lost: number): void };
  private lost = 0;

  constructor(inner: SpanExporter, tell: { failing(reason: string): void; again(lost: number): void }) {
    this.inner = inner;
    this.tell = tell;
  }

  export(spans: ReadableSpan[], answer: Answer): void {
    this.inner.export(spans, (result) => {
      if (result.code === SUCCESS) {
        if (this.lost > 0) this.tell.again(this.lost);
        this.lost = 0;
      } else {
        if (this.lost === 0) this.tell.failing(result.error?.message ?? "no reason was given");
        this.lost += spans.length;
      }
      answer(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.inner.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }
}
