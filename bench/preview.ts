/**
 * Impact preview: a million arrivals recorded by the real aggregator (on a virtual clock, in a real store), then previewed: how long
 * that takes, how long the event loop stands still meanwhile at most, how well the replay matches. And what the log costs a commit.
 *
 *   node --conditions=batchyard-source bench/preview.ts [--items 1000000] [--keys 1000] [--rounds 5] [--save]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConfig } from "../src/config.ts";
import { createYard } from "../src/main.ts";
import type { Caller } from "../src/batches/service.ts";
import { VirtualClock } from "../src/testing/virtual-clock.ts";
import { figure, megabytes, percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "1000000" },
    keys: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    save: { type: "boolean", default: false },
  },
});
const items = Number(values.items);
const keys = Number(values.keys);
const rounds = Number(values.rounds);
const GROUP = 500;
/** An item every two seconds a key. */
const STEP_MS = Math.max(1, Math.round((2_000 * GROUP) / keys));

const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));
const clock = new VirtualClock();
const config = loadConfig({ BATCHYARD_DATA: data, BATCHYARD_WORKERS: "0", LOG_LEVEL: "error", QUEUE_MAX_SIZE: "1000000" });
const yard = await createYard({ config, clock });
const caller: Caller = { tenant: "default", actor: "bench", role: "admin", credential: null, address: null };

/** A cheap generator with a fixed seed: every run records the same arrivals. */
let seed = 7;
const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;

async function record(): Promise<void> {
  const since = clock.now();
  await yard.streams.put(caller, "s", {
    operation: "transform",
    options: { expression: "id" },
    keyField: "k",
    windowSeconds: 90,
    idleTimeoutSeconds: 30,
    maxItems: 500,
    maxOpen: 10_000_000,
  });
  for (let done = 0; done < items; done += GROUP) {
    const texts = Array.from(
      { length: Math.min(GROUP, items - done) },
      () => `{"k":"camera-${random(keys)}","x":"${"x".repeat(random(90))}"}`,
    );
    await yard.streams.offer(caller, "s", texts, 0);
    await clock.advance(STEP_MS);
  }
  console.error(`${figure(items)} arrivals over ${figure((clock.now() - since) / 3_600_000)} virtual hours`);
}

/** Longest time without a turn of the event loop, milliseconds, while `work` runs. */
async function stalled(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let running = true;
  const watch = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(watch);
  };
  watch();
  await work();
  running = false;
  return longest;
}

const rows: Row[] = [];
try {
  await yard.start();
  await record();
  let bytes = 0;
  let blocks = 0;
  for await (const block of yard.store.impact.blocks("default", "s", { from: 0, to: Infinity })) {
    blocks += 1;
    bytes += block.length;
  }
  const ask = (changes: object, sweep: number[] | null = null) =>
    yard.streams.preview(caller, "s", {
      changes: { ...changes },
      since: 0,
      sweep: sweep === null ? null : { field: "windowSeconds", values: sweep },
    });
  for (const [name, run] of [
    ["window 90 → 180 s", () => ask({ windowSeconds: 180 })],
    ["the same, and a curve of 10 values", () => ask({ windowSeconds: 180 }, [40, 60, 80, 100, 120, 140, 160, 180, 200, 220])],
  ] as const) {
    const times: number[] = [];
    const cpu: number[] = [];
    let longest = 0;
    let last: Awaited<ReturnType<typeof ask>> | null = null;
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      const busy = process.cpuUsage();
      longest = Math.max(longest, await stalled(async () => (last = await run())));
      times.push(performance.now() - started);
      const { user, system } = process.cpuUsage(busy);
      cpu.push((user + system) / 1_000);
    }
    times.sort((a, b) => a - b);
    cpu.sort((a, b) => a - b);
    const { preview } = last!;
    rows.push({
      case: name,
      arrivals: preview.arrivals.items,
      "windows now → then": `${figure(preview.current!.figures.batches)} → ${figure(preview.candidate!.figures.batches)}`,
      "matches what happened": `${figure((preview.calibration!.share ?? 0) * 100)} %`,
      "min ms": times[0]!,
      "median ms": percentile(times, 0.5),
      "median CPU ms": percentile(cpu, 0.5),
      "max ms": times.at(-1)!,
      "longest stall ms": longest,
    });
  }
  rows.push({
    case: "the log",
    arrivals: items,
    "bytes an arrival": bytes / items,
    blocks,
    "peak RSS": megabytes(process.resourceUsage().maxRSS * 1024),
  });
} finally {
  await yard.stop();
  rmSync(data, { recursive: true, force: true });
}
report("Impact preview of recorded arrivals", rows, [
  `Recorded by the aggregator itself on a virtual clock, ${GROUP} items a commit; each preview reads the log, replays it under both rules and compares with the windows that closed.`,
]);
