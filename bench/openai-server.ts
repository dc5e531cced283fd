/**
 * `/v1` in front of a local model server: one batch file through the official client, from its upload to its output file. The model
 * server is a process of its own that answers every chat completion at once, so that what is measured is Batchyard and its client.
 *
 *   node --conditions=batchyard-source bench/openai-server.ts [--lines 50000] [--save]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import OpenAI, { toFile } from "openai";
import { Child } from "../test/support/child.ts";
import { spawnUpstream } from "../test/support/upstream.ts";
import { figure, megabytes, report } from "./support/report.ts";

const { values } = parseArgs({ options: { lines: { type: "string", default: "50000" }, save: { type: "boolean", default: false } } });
const count = Number(values.lines);
const POLL_MS = 100;
const TOKEN = "bench-token-of-sixteen-or-more";
const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const folder = mkdtempSync(join(tmpdir(), "batchyard-bench-"));

const line = (i: number): string =>
  JSON.stringify({
    custom_id: `request-${i}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "bench", messages: [{ role: "user", content: `Describe the product number ${i} in one sentence.` }], max_tokens: 20 },
  });

const processor = (pid: number): { peakRss: number; cpuSeconds: number } => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
  return { peakRss: Number(peak) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
};

const upstream = await spawnUpstream();
const config = join(folder, "batchyard.config.mjs");
writeFileSync(config, `export default { providers: { upstream: { baseURL: ${JSON.stringify(upstream.baseURL)}, models: ["bench"] } } };\n`);
const server = new Child(
  process.execPath,
  ["--conditions=batchyard-source", main, "serve", "--port", "0", "--data", join(folder, "data"), "--config", config],
  { BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "warn" },
);
try {
  const [, url] = await server.line(/^ready (http\S+)/);
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: TOKEN, maxRetries: 0 });
  const text = Array.from({ length: count }, (_, i) => `${line(i)}\n`).join("");
  const before = processor(server.pid);
  const uploadedAt = performance.now();
  const file = await client.files.create({ file: await toFile(Buffer.from(text), "requests.jsonl"), purpose: "batch" });
  const createdAt = performance.now();
  let batch = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
  let validatedAt = 0;
  while (batch.status !== "completed") {
    if (["failed", "expired", "cancelled"].includes(batch.status))
      throw new Error(`The batch is ${batch.status}: ${JSON.stringify(batch.errors)}`);
    await sleep(POLL_MS);
    batch = await client.batches.retrieve(batch.id);
    if (validatedAt === 0 && batch.status !== "validating") validatedAt = performance.now();
  }
  const endedAt = performance.now();
  const output = await (await client.files.content(batch.output_file_id!)).text();
  const readAt = performance.now();
  const ids = new Set(
    output
      .trim()
      .split("\n")
      .map((each) => (JSON.parse(each) as { custom_id: string }).custom_id),
  );
  if (ids.size !== count || batch.request_counts!.completed !== count || batch.error_file_id !== null)
    throw new Error(`${ids.size} of ${count} custom_ids are in the output; counts ${JSON.stringify(batch.request_counts)}`);
  const { peakRss, cpuSeconds } = processor(server.pid);
  report(
    "/v1 in front of a model server",
    [
      {
        lines: count,
        "lines/s, create to completed": count / ((endedAt - createdAt) / 1000),
        seconds: (endedAt - createdAt) / 1000,
        "validated after s": (validatedAt - createdAt) / 1000,
        "upload s": (createdAt - uploadedAt) / 1000,
        "download s": (readAt - endedAt) / 1000,
        "server CPU ms a line": ((cpuSeconds - before.cpuSeconds) / count) * 1000,
        "server RSS before": megabytes(before.peakRss),
        "server peak RSS": megabytes(peakRss),
      },
    ],
    [
      `Every custom_id was in the output once. ${figure(text.length / 1024 / 1024)} MB in, ${figure(output.length / 1024 / 1024)} MB out; each line is one HTTP request through the openai package, priced, booked and stored. The model server shares the machine.`,
    ],
  );
} finally {
  await server.end("SIGTERM");
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
}
