import { Queue, Worker } from "bullmq";
import { startRedis } from "../support/redis.ts";
import type { Measured } from "../throughput.ts";
import { payload } from "./payload.ts";

const BULK = 1000;
const items = Number(process.argv[2]);
const redis = await startRedis();
const connection = { host: "127.0.0.1", port: redis.port, maxRetriesPerRequest: null };
const queue = new Queue("bench", { connection });
await queue.waitUntilReady();

const started = performance.now();
let done = 0;
const finished = new Promise<void>((resolve) => {
  const worker = new Worker("bench", async (job) => job.data as unknown, { connection, concurrency: 100 });
  worker.on("completed", () => {
    if (++done === items) void worker.close().then(resolve);
  });
});
for (let from = 0; from < items; from += BULK) {
  const jobs = Array.from({ length: Math.min(BULK, items - from) }, (_, i) => ({
    name: "noop",
    data: payload(from + i),
    opts: { removeOnComplete: false },
  }));
  await queue.addBulk(jobs);
}
const added = performance.now();
await finished;
const ended = performance.now();
const memory = await redis.memoryBytes();
await queue.close();
await redis.stop();
const measured: Measured = {
  items,
  addSeconds: (added - started) / 1000,
  totalSeconds: (ended - started) / 1000,
  // Both processes work for it.
  peakRssBytes: process.resourceUsage().maxRSS * 1024 + memory,
};
console.log(JSON.stringify(measured));
