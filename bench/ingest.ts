/**
 * Streams: single posts (each a durable 202, autocannon in another process), one NDJSON upload, and how late windows close when
 * thousands are open at once and all become due together.
 *
 *   node --conditions=batchyard-source bench/ingest.ts [--seconds 5] [--connections 64] [--items 200000] [--keys 10000] [--save]
 */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { figure, megabytes, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    connections: { type: "string", default: "64" },
    items: { type: "string", default: "200000" },
    keys: { type: "string", default: "10000" },
    save: { type: "boolean", default: false },
  },
});
const items = Number(values.items);
const keys = Number(values.keys);
const token = "bench-token-of-sixteen-or-more";
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const WINDOW_SECONDS = 20;

const child = spawn(process.execPath, ["--conditions=batchyard-source", main, "serve", "--port", "0", "--data", data, "--workers", "0"], {
  stdio: ["ignore", "ignore", "pipe"],
  // All keys become due within one upload: what waits then must not hold the windows that are measured.
  env: { ...process.env, BATCHYARD_TOKEN: token, LOG_LEVEL: "warn", QUEUE_MAX_SIZE: "1000000" },
});
const url = await new Promise<string>((resolve) => {
  let text = "";
  child.stderr.on("data", (part: Buffer) => {
    text += part.toString();
    const ready = /^ready (http\S+)/m.exec(text);
    if (ready !== null) resolve(ready[1]!);
  });
});

const detection = (n: number, camera: string): Record<string, unknown> => ({
  camera_id: camera,
  detection_id: n,
  label: "car",
  confidence: 0.5,
  bbox: [10, 20, 110, 220],
  timestamp: "2026-01-01T00:00:00.000Z",
});

async function call(method: string, path: string, body?: object): Promise<Record<string, never>> {
  const answer = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, never>;
}

async function* lines(count: number, cameras: number): AsyncGenerator<Uint8Array> {
  let block = "";
  for (let n = 0; n < count; n++) {
    block += `${JSON.stringify(detection(n, `camera-${n % cameras}`))}\n`;
    if (block.length > 65_536) {
      yield Buffer.from(block);
      block = "";
    }
  }
  yield Buffer.from(block);
}

async function upload(stream: string, count: number, cameras: number): Promise<number> {
  const started = performance.now();
  const answer = await fetch(`${url}/api/streams/${stream}/items`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/x-ndjson" },
    body: ReadableStream.from(lines(count, cameras)),
    duplex: "half",
  });
  const { accepted } = (await answer.json()) as { accepted?: number };
  if (accepted !== count) throw new Error(`${accepted} of ${count} items were taken (${answer.status})`);
  return (performance.now() - started) / 1000;
}

interface Posts {
  perSecond: number;
  p50: number;
  p99: number;
  total: number;
}

/** One item a post, without id, into one of 100 windows; the load comes from a process of its own. */
async function posts(): Promise<Posts> {
  const script = `
    import autocannon from "autocannon";
    let n = 0;
    const result = await autocannon({
      url: ${JSON.stringify(`${url}/api/streams/posts/items`)}, method: "POST", headers: ${JSON.stringify(headers)},
      connections: ${values.connections}, duration: ${values.seconds},
      requests: [{ setupRequest: (request) => ({ ...request, body: JSON.stringify({ camera_id: "camera-" + (n++ % 100), label: "car", confidence: 0.5, bbox: [10, 20, 110, 220] }) }) }],
    });
    if (result.non2xx + result.errors > 0) throw new Error(result.non2xx + " answers were not 2xx, " + result.errors + " failed");
    console.log(JSON.stringify({ perSecond: result.requests.average, p50: result.latency.p50, p99: result.latency.p99, total: result["2xx"] }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: import.meta.dirname });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Posts;
}

const rows: Row[] = [];
try {
  const operation = { operation: "transform", options: { expression: "id" } };
  await call("PUT", "/api/streams/posts", { ...operation, keyField: "camera_id", windowSeconds: 600, maxItems: 500, maxOpen: 1_000_000 });
  await call("PUT", "/api/streams/lines", {
    ...operation,
    keyField: "camera_id",
    idField: "detection_id",
    windowSeconds: 600,
    maxItems: 500,
    maxOpen: 10_000_000,
  });
  await call("PUT", "/api/streams/many", { ...operation, keyField: "camera_id", windowSeconds: WINDOW_SECONDS });

  const single = await posts();
  rows.push({
    case: `single posts, ${values.connections} connections, durable 202`,
    "items/s": single.perSecond,
    "p50 ms": single.p50,
    "p99 ms": single.p99,
  });
  const { open_items: open } = (await call("GET", "/api/streams/posts"))["stream"] as unknown as { open_items: number };
  if (open > single.total + Number(values.connections)) throw new Error(`${open} items are open of ${single.total} posted`);

  const seconds = await upload("lines", items, 100);
  rows.push({ case: `NDJSON upload of ${figure(items)} items, 100 keys`, "items/s": items / seconds });

  await upload("many", keys, keys);
  const { total } = await call("GET", "/api/streams/many/windows?limit=1");
  if (Number(total) !== keys) throw new Error(`${String(total)} windows are open, not ${keys}: the upload took longer than a window`);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (Number((await call("GET", "/api/streams/many/windows?limit=1"))["total"]) === 0) break;
  }
  const aggregator = (await call("GET", "/api/system/pipeline"))["batch_aggregator"] as unknown as {
    closure_lag: { closures: number; p50_ms: number; p99_ms: number };
  };
  const lag = aggregator.closure_lag;
  rows.push({
    case: `${figure(keys)} windows due within one upload: closure lag`,
    "p50 ms": lag.p50_ms,
    "p99 ms": lag.p99_ms,
    closures: lag.closures,
  });
  rows.push({
    case: "server",
    "peak RSS": megabytes(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) * 1024),
  });
} finally {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
  rmSync(data, { recursive: true, force: true });
}
report("Streams: ingest and closure", rows, [
  "Closure lag: from the moment a window is due to its durable batch. Workers are off: what is measured is the way in.",
]);
