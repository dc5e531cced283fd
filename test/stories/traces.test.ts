import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folders } from "../support/folder.ts";
import { OtlpSink } from "../support/otlp-sink.ts";
import { keptPort } from "../support/port.ts";
import { finished, serve, type Served } from "../support/served.ts";

const newFolder = folders();
const config = join(import.meta.dirname, "../support/programs/traced.config.ts");
const CANARY = "canary-of-a-payload";
const JSON_BODY = { "content-type": "application/json" };

const sinks: OtlpSink[] = [];
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

async function newSink(port?: number): Promise<OtlpSink> {
  const sink = await OtlpSink.open(port);
  sinks.push(sink);
  return sink;
}

/** A server that sends its spans to `port` as soon as there are some. */
function traced(data: string, port: number, env: Record<string, string> = {}): Promise<Served> {
  return serve(data, {
    config,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "20",
      OTEL_SERVICE_NAME: "yard-under-test",
      BATCHYARD_TRACE_URL: "https://traces.example/t/{traceId}",
      ...env,
    },
  });
}

/** `n` makes it a trace of its own. */
const outsideTrace = (n: number): { traceId: string; spanId: string; header: string } => {
  const traceId = String(n).repeat(32);
  const spanId = String(n).repeat(16);
  return { traceId, spanId, header: `00-${traceId}-${spanId}-01` };
};

async function answered<T>(response: Response): Promise<T> {
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${body}`);
  return JSON.parse(body) as T;
}

describe("traces over OTLP", () => {
  it("ingest → batch → attempts are one trace, also for those after kill -9 and a restart", async () => {
    const sink = await newSink();
    const data = newFolder();
    const caller = outsideTrace(1);
    const items = [
      { id: "quick", note: CANARY },
      { id: "flaky", flaky: true },
      { id: "held", hold: true },
    ];
    const first = await traced(data, sink.port, { HOLD: "1" });
    const { batch } = await answered<{ batch: { id: string; trace_id: string } }>(
      await first.send("/api/batch/create", {
        method: "POST",
        headers: { ...JSON_BODY, traceparent: caller.header },
        body: JSON.stringify({ operation: "told", options: { batchSize: 1, retryBackoffMs: 1 }, items }),
      }),
    );
    expect(batch.trace_id).toBe(caller.traceId);
    await first.child.line(/^holding held$/);
    const ingest = await sink.span("ingest /api/batch/create", "http.response.status_code", 201);
    // Of the quick one, and both of the flaky one.
    await sink.until(() => (sink.spans.filter((span) => span.name === "attempt").length === 3 ? true : undefined));
    await first.child.end("SIGKILL");
    const before = sink.spans.length;

    const second = await traced(data, sink.port);
    await finished(second.client, batch.id);
    const whole = await sink.span("batch", "batchyard.batch.id", batch.id);
    await sink.until(() => sink.spans.slice(before).find((span) => span.name === "attempt"));
    expect(ingest).toMatchObject({ traceId: caller.traceId, parent: caller.spanId, service: "yard-under-test" });
    expect(whole).toMatchObject({ traceId: caller.traceId, parent: ingest.spanId, failed: false });
    expect(whole.attributes).toMatchObject({
      "batchyard.operation": "told",
      "batchyard.batch.status": "completed",
      "batchyard.items.succeeded": 3,
    });
    const attempts = sink.spans.filter((span) => span.name === "attempt");
    // Four runs were told of: the held one of the first process died with it.
    expect(attempts.map((span) => [span.traceId, span.parent])).toEqual(Array(4).fill([caller.traceId, whole.spanId]));
    const failed = attempts.filter((span) => span.failed);
    expect(failed.map(({ attributes }) => [attributes["error.type"], attributes["batchyard.items.retried"]])).toEqual([
      ["handler_error", 1],
    ]);

    const told: string[] = [];
    for await (const { result } of second.client.results(batch.id)) told.push((result as { traceparent: string }).traceparent);
    const spansOfItems = attempts.filter((span) => !span.failed).map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    expect(told.sort()).toEqual(spansOfItems.sort());

    const shown = await answered<{ trace_url: string }>(await second.send(`/api/batch/${batch.id}`));
    expect(shown.trace_url).toBe(`https://traces.example/t/${caller.traceId}`);
    expect(sink.bodies.some(({ bytes }) => bytes.includes(CANARY))).toBe(false);
  });

  it("the batch of a window begins a trace and has links to the requests that filled it, also over kill -9", async () => {
    const sink = await newSink();
    const data = newFolder();
    const first = await traced(data, sink.port);
    const put = JSON.stringify({ operation: "told", windowSeconds: 600, idField: "id" });
    await answered(await first.send("/api/streams/cams", { method: "PUT", headers: JSON_BODY, body: put }));
    const callers = [outsideTrace(2), outsideTrace(3)];
    for (const [i, { header }] of callers.entries()) {
      const headers = { ...JSON_BODY, traceparent: header };
      const body = JSON.stringify([{ id: `a${i}` }, { id: `b${i}` }]);
      await answered(await first.send("/api/streams/cams/items", { method: "POST", headers, body }));
    }
    const ingests = await sink.until(() => {
      const seen = sink.spans.filter((span) => span.attributes["batchyard.stream"] === "cams" && span.name.startsWith("ingest"));
      return seen.length === 2 ? seen : undefined;
    });
    expect(ingests.map(({ traceId, parent }) => `${traceId} ${parent}`).sort()).toEqual(
      callers.map(({ traceId, spanId }) => `${traceId} ${spanId}`),
    );
    await first.child.end("SIGKILL");

    const second = await traced(data, sink.port);
    const { batches } = await answered<{ batches: string[] }>(await second.send("/api/streams/cams/flush", { method: "POST" }));
    await finished(second.client, batches[0]!);
    const whole = await sink.span("batch", "batchyard.batch.id", batches[0]);
    expect(whole).toMatchObject({ parent: null, attributes: { "batchyard.stream": "cams", "batchyard.close_reason": "manual" } });
    expect(whole.links.sort()).toEqual(ingests.map(({ traceId, spanId }) => `${traceId}/${spanId}`).sort());
    const attempt = await sink.span("attempt", "batchyard.batch.id", batches[0]);
    expect(attempt).toMatchObject({ traceId: whole.traceId, parent: whole.spanId });
  });

  it("a collector that is away costs no work and one line of the log; when it is back, spans go on", async () => {
    const port = await keptPort();
    const server = await traced(newFolder(), port, {
      OTEL_EXPORTER_OTLP_PROTOCOL: "",
      OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
      LOG_LEVEL: "info",
    });
    const run = async (): Promise<string> => {
      const headers = JSON_BODY;
      const body = JSON.stringify({ operation: "told", items: [{ id: "x" }] });
      const { batch } = await answered<{ batch: { id: string } }>(
        await server.send("/api/batch/create", { method: "POST", headers, body }),
      );
      await finished(server.client, batch.id);
      return batch.id;
    };
    for (let i = 0; i < 20; i++) await run();
    await server.child.line(/traces cannot be sent/);
    for (let i = 0; i < 20; i++) await run();
    const sink = await newSink(port);
    const last = await run();
    const again = /traces are sent again/;
    await server.child.line(again);
    await sink.until(() => sink.bodies.find(({ bytes }) => bytes.includes(last)));
    expect(new Set(sink.bodies.map(({ type }) => type))).toEqual(new Set(["application/x-protobuf"]));
    const away = server.child.lines.slice(
      0,
      server.child.lines.findIndex((line) => again.test(line)),
    );
    expect(away.filter((line) => line.includes("traces cannot be sent"))).toHaveLength(1);
    await server.child.end("SIGTERM");
  });

  it("what the sampler leaves out is not sent, and keeps its id", async () => {
    const sink = await newSink();
    const server = await traced(newFolder(), sink.port, { OTEL_TRACES_SAMPLER: "parentbased_always_off" });
    const create = async (headers: Record<string, string>): Promise<{ id: string; trace_id: string }> => {
      const body = JSON.stringify({ operation: "told", items: [{ id: "x" }] });
      const answer = await server.send("/api/batch/create", { method: "POST", headers: { ...JSON_BODY, ...headers }, body });
      const { batch } = await answered<{ batch: { id: string; trace_id: string } }>(answer);
      await finished(server.client, batch.id);
      return batch;
    };
    const left = await create({});
    const sampled = await create({ traceparent: outsideTrace(4).header });
    await sink.span("batch", "batchyard.batch.id", sampled.id);
    expect(left.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(sink.spans.map(({ traceId }) => traceId))).toEqual(new Set([outsideTrace(4).traceId]));
  });
});
