/**
 * The HTTP door: a streamed NDJSON upload of a million items (items/s, the server's peak RSS), and single create requests.
 *
 *   node --conditions=batchyard-source bench/http.ts [--items 1000000] [--seconds 8] [--connections 32] [--save]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { payload } from "./throughput/payload.ts";
import { figure, megabytes, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "8" },
    connections: { type: "string", default: "32" },
    save: { type: "boolean", default: false },
  },
});
const items = Number(values.items);
const token = "bench-token-of-sixteen-or-more";
const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const environment = {
  ...process.env,
  BATCHYARD_TOKEN: token,
  BATCHYARD_CREATE_PER_MINUTE: "1000000",
  QUEUE_MAX_SIZE: "1000000",
  LOG_LEVEL: "warn",
};

async function serve(workers: number): Promise<{ url: string; peakRss(): number; stop(): Promise<void> }> {
  const child = spawn(
    process.execPath,
    ["--conditions=batchyard-source", main, "serve", "--port", "0", "--data", data, "--workers", String(workers)],
    { stdio: ["ignore", "ignore", "pipe"], env: environment },
  );
  let text = "";
  const url = await new Promise<string>((resolve) => {
    child.stderr.on("data", (part: Buffer) => {
      text += part.toString();
      const ready = /^ready (http\S+)/m.exec(text);
      if (ready !== null) resolve(ready[1]!);
    });
  });
  return {
    url,
    peakRss: () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) * 1024,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The request, then one item a line, in blocks of about 64 KB. */
async function* upload(): AsyncGenerator<Uint8Array> {
  let block = `${JSON.stringify({ operation: "transform", options: { expression: "id" } })}\n`;
  for (let i = 0; i < items; i++) {
    block += `${JSON.stringify(payload(i))}\n`;
    if (block.length > 65_536) {
      yield Buffer.from(block);
      block = "";
    }
  }
  yield Buffer.from(block);
}

const rows: Row[] = [];
try {
  const idle = await serve(0);
  const started = performance.now();
  const response = await fetch(`${idle.url}/api/batch/create?stream=1`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" },
    body: ReadableStream.from(upload()),
    duplex: "half",
  });
  const seconds = (performance.now() - started) / 1000;
  const created = (await response.json()) as { batch: { total_items: number } };
  if (response.status !== 201 || created.batch.total_items !== items)
    throw new Error(`upload answered ${response.status} ${JSON.stringify(created).slice(0, 300)}`);
  rows.push({
    case: `NDJSON upload of ${figure(items)} items`,
    "per second": items / seconds,
    seconds,
    "server peak RSS": megabytes(idle.peakRss()),
  });
  await idle.stop();

  rmSync(data, { recursive: true, force: true });
  const busy = await serve(4);
  const result = await autocannon({
    url: `${busy.url}/api/batch/create`,
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ operation: "transform", options: { expression: "id" }, items: [payload(1)] }),
    connections: Number(values.connections),
    duration: Number(values.seconds),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} answers were not 2xx, ${result.errors} failed`);
  rows.push({
    case: `single-item creates, ${values.connections} connections, durable and run`,
    "per second": result.requests.average,
    "p50 ms": result.latency.p50,
    "p99 ms": result.latency.p99,
    "server peak RSS": megabytes(busy.peakRss()),
  });
  await busy.stop();
} finally {
  rmSync(data, { recursive: true, force: true });
}
report("HTTP: upload and create", rows);
