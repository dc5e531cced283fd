/**
 * Random moves of batches against the SQLite store, each held to the model of test/properties/world.ts, by processes that are
 * killed with -9 one after the other; then every counter, sum and flow of the store against a recount.
 *
 *   node --conditions=batchyard-source bench/moves.ts [--moves 1000000] [--minutes 60] [--seed 1] [--save]
 *
 * TMPDIR=/dev/shm spares the disk: a kill takes nothing of a file that a process has written.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { openSqliteUpkeep } from "../src/store/sqlite/store.ts";
import { openSqlite } from "../test/contract/store/adapters.ts";
import { recountFlow } from "../test/contract/store/flow-recount.ts";
import { Rig } from "../test/contract/store/rig.ts";
import { command, World } from "../test/properties/world.ts";
import { seeded } from "../test/support/random.ts";
import { report } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    moves: { type: "string", default: "1000000" },
    /** At most; the table has the moves that were made. */
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    save: { type: "boolean", default: false },
    /** Of a process that makes moves until it is killed: where, and the how-manieth it is. */
    root: { type: "string" },
    life: { type: "string", default: "0" },
  },
});
const seed = Number(values.seed);
const MOVES_A_WORLD = 60;
const LIVES_MS = { least: 4_000, more: 16_000 };
const HOUR = 3_600_000;
/** Worlds take turns at these tenants, so that they share buckets. */
const TENANTS = 16;

/** Says after every world what it did, at once: what a kill swallows is not counted. */
async function live(root: string, lifetime: number): Promise<never> {
  const rig = new Rig(await openSqlite(root));
  rig.now += lifetime * HOUR;
  // What the process before left leased.
  await rig.store.chunks.reap({ now: rig.now });
  for (let n = 0; ; n++) {
    const effects = new Map<string, number>();
    const world = new World(rig, n % TENANTS, effects);
    const worldSeed = (seed * 1_000 + lifetime) * 100_000 + n;
    const [first, ...commands] = fc.sample(command, { seed: worldSeed, numRuns: MOVES_A_WORLD });
    await world.step({ ...first!, kind: "create" });
    for (const step of commands) await world.step(step);
    for (const model of world.models) await world.checkResults(model);
    if (n % 4 === 0) await world.runToTheEnd();
    for (const { tenant, id } of world.models) await rig.store.batches.end(tenant, id, "cancelled", null, rig.now);
    await rig.store.chunks.reap({ now: rig.now + HOUR });
    const reopens = commands.filter((step) => step.kind === "reopen" && step.which % 4 === 0).length;
    writeSync(
      1,
      `${JSON.stringify({ moves: MOVES_A_WORLD, reopens, took: [...effects.values()].reduce((sum, times) => sum + times, 0) })}\n`,
    );
  }
}

interface Done {
  moves: number;
  reopens: number;
  took: number;
}

/** One process, killed at a random instant or as soon as enough is done. */
async function lifeOf(root: string, lifetime: number, ms: number, done: Done, wanted: number): Promise<void> {
  const args = ["--conditions=batchyard-source", import.meta.filename, "--root", root, "--life", String(lifetime), "--seed", String(seed)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let errors = "";
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  child.stderr.on("data", (part: Buffer) => {
    errors += part.toString();
  });
  child.stdout.on("data", (part: Buffer) => {
    const lines = (text + part.toString()).split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      const world = JSON.parse(line) as Done;
      for (const name of ["moves", "reopens", "took"] as const) done[name] += world[name];
    }
    if (done.moves >= wanted) child.kill("SIGKILL");
  });
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  if (code !== null) throw new Error(`The process ended by itself with ${code}: ${errors}`);
}

if (values.root !== undefined) await live(values.root, Number(values.life));

const wanted = Number(values.moves);
const root = mkdtempSync(join(tmpdir(), "batchyard-moves-"));
const directory = join(root, "data");
mkdirSync(directory);
const random = seeded(seed);
const startedAt = performance.now();
const done: Done = { moves: 0, reopens: 0, took: 0 };
let lives = 0;
try {
  while (done.moves < wanted && performance.now() - startedAt < Number(values.minutes) * 60_000) {
    await lifeOf(root, lives, LIVES_MS.least + random() * LIVES_MS.more, done, wanted);
    lives += 1;
    process.stderr.write(`${done.moves} moves, ${lives} kills, ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
  }
  const moved = performance.now();
  const { upkeep, close } = openSqliteUpkeep({ directory, synchronous: "NORMAL" });
  const { findings, checkedBatches, checkedChunks } = await upkeep.verify({ rebuild: false });
  await close();
  const opened = await openSqlite(root);
  const flow = await recountFlow(opened, opened.store);
  await opened.store.close();
  report(
    "Random moves with crashes: counters against a recount",
    [
      {
        moves: done.moves,
        effects: done.took,
        "kill -9": lives,
        "closed and reopened": done.reopens,
        "batches recounted": checkedBatches,
        "chunks recounted": checkedChunks,
        "counters and sums that differ": findings.length,
        "flow compared": flow.compared,
        "flow that differs": flow.faults.length,
        seconds: (moved - startedAt) / 1000,
        "seconds of the recount": (performance.now() - moved) / 1000,
      },
    ],
    [
      `Seed ${seed}. A move is one command to the store (create, claim, commit, late commit, lost lease, report, retry, pause, resume, cancel, expire, finish, priority, reopen), after which each batch of its world equals the model; its effects are what it changed. Recounted: every column of every batch, chunks, error groups, statistics, job_rollups, job_bins, batch_counts; of flow, by the minute, hour and day: batches by event, lost chunks, items by result and retried ones.`,
    ],
  );
  for (const fault of [...findings.map((finding) => finding.message), ...flow.faults].slice(0, 20)) console.error(fault);
  process.exitCode = findings.length + flow.faults.length === 0 ? 0 : 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
