import { InMemorySpanExporter, AlwaysOnSampler, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ADAPTERS, type Opened } from "../../test/contract/store/adapters.ts";
import { Rig } from "../../test/contract/store/rig.ts";
import { OtelTracing } from "../tracing/otlp/otel-tracing.ts";
import { SpanIds } from "../tracing/otlp/span-ids.ts";
import { untraced } from "../tracing/untraced.ts";
import { OpenAttempts } from "./open-attempts.ts";
import { RunTally } from "./run/run-tally.ts";

const CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let opened: Opened;
let rig: Rig;
let exporter: InMemorySpanExporter;
let attempts: OpenAttempts;
beforeEach(async () => {
  opened = await ADAPTERS[0]!.open();
  rig = new Rig(opened);
  exporter = new InMemorySpanExporter();
  const ids = new SpanIds();
  const sampler = new AlwaysOnSampler();
  const provider = new TracerProvider({ sampler, idGenerator: ids, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  attempts = new OpenAttempts(new OtelTracing({ provider, sampler, ids, version: "0" }));
});
afterEach(() => opened.close());

const claimed = async () => rig.claim(await rig.create([["a", "b"]], { batch: { trace: { context: CONTEXT, parent: null } } }));
const spans = () =>
  exporter.getFinishedSpans().map((span) => ({
    parent: span.parentSpanContext?.spanId,
    succeeded: span.attributes["batchyard.items.succeeded"],
    failed: span.attributes["batchyard.items.failed"],
    error: span.attributes["error.type"],
  }));

describe("the span of an outside worker's lease", () => {
  it("ends with its last report, and adds up what all of them said", async () => {
    const chunk = await claimed();
    const traceparent = attempts.leased(chunk);
    const first = new RunTally();
    first.succeeded = 1;
    attempts.reported(chunk, first, false);
    expect(spans()).toEqual([]);
    const last = new RunTally();
    last.fails("broken");
    attempts.reported(chunk, last, true);
    expect(spans()).toEqual([{ parent: CONTEXT.split("-")[2], succeeded: 1, failed: 1, error: "broken" }]);
    expect(traceparent).toContain(exporter.getFinishedSpans()[0]!.spanContext().spanId);
  });

  it("ends as lost when the lease ran out, and reports under another fence do not touch it", async () => {
    const chunk = await claimed();
    attempts.leased(chunk);
    attempts.reported({ id: chunk.id, fence: chunk.fence + 1 }, new RunTally(), true);
    expect(spans()).toEqual([]);
    attempts.lost([{ chunkId: chunk.id, tenant: "acme", workerId: "external:w", batchId: chunk.batchId, crashes: 0 }]);
    expect(spans()).toMatchObject([{ succeeded: 0, error: "lease_lost" }]);
  });

  it("is none without tracing: the worker gets the batch's own", async () => {
    expect(new OpenAttempts(untraced).leased(await claimed())).toBe(CONTEXT);
    expect(spans()).toEqual([]);
  });
});
