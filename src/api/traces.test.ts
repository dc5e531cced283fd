import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineOperation } from "../operations/define.ts";
import { serve, type Served } from "./server.fixture.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const HEADER = `00-${TRACE_ID}-b7ad6b7169203331-01`;

const told = defineOperation({
  name: "told",
  description: "Answers with the trace it is told to belong to",
  options: z.strictObject({}),
  processItem: (_item: Record<string, unknown>, ctx) => ({ result: ctx.traceparent }),
});

let served: Served;
beforeEach(async () => {
  served = await serve({ operations: [told], settings: { BATCHYARD_TRACE_URL: "https://traces.example/{traceId}?id={traceId}" } });
});
afterEach(() => served.close());

async function ended(headers: Record<string, string>): Promise<{ batch: Record<string, unknown>; trace_url: unknown; result: unknown }> {
  const payload = { operation: "told", items: [{ id: "a" }] };
  const made = await served.send({ method: "POST", url: "/api/batch/create", headers, payload });
  const { id } = (JSON.parse(made.text) as { batch: { id: string } }).batch;
  await served.event("batch.completed", id);
  const shown = await served.send({ url: `/api/batch/${id}` });
  const { batch, trace_url } = JSON.parse(shown.text) as { batch: Record<string, unknown>; trace_url: unknown };
  const page = await served.send({ url: `/api/batch/${id}/results` });
  const { results } = (JSON.parse(page.text) as { batch: { results: { result: unknown }[] } }).batch;
  return { batch, trace_url, result: results[0]?.result };
}

describe("a traceparent, without any tracing of our own", () => {
  it("is kept with the batch, handed to handlers and shown with the link to it", async () => {
    const { batch, trace_url, result } = await ended({ traceparent: HEADER });
    expect(batch["trace_id"]).toBe(TRACE_ID);
    expect(trace_url).toBe(`https://traces.example/${TRACE_ID}?id=${TRACE_ID}`);
    expect(result).toBe(HEADER);
  });

  it.each([
    ["absent", {}],
    ["of version ff", { traceparent: `ff-${TRACE_ID}-b7ad6b7169203331-01` }],
    ["without a trace", { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` }],
    ["of another length", { traceparent: `${HEADER}-more` }],
    ["in capitals", { traceparent: HEADER.toUpperCase() }],
  ])("that is %s counts as none", async (_, headers: Record<string, string>) => {
    const { batch, trace_url, result } = await ended(headers);
    expect([batch["trace_id"], trace_url, result]).toEqual([null, null, null]);
  });
});
