/**
 * Two Batchyards in a row, one the client of the other, and kill -9 of either at random instants:
 *
 *   node --conditions=batchyard-source bench/two-yards.ts [--kills 20] [--items 10000] [--seed n] [--save]
 *
 * The same campaign as test/fault/two-yards.test.ts, with more kills and items.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endChildren } from "../test/support/child.ts";
import { twoYards } from "../test/support/two-yards.ts";
import { report } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    items: { type: "string", default: "10000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    save: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const items = Number(values.items);
const kills = Number(values.kills);
const folder = mkdtempSync(join(tmpdir(), "batchyard-two-yards-"));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
try {
  const { faults, killed, ...run } = await twoYards({ kills, items, batchSize: 500, seed, folder, workMs: 250, say });
  report(
    "Two Batchyards in a row: kill -9 of either at random instants",
    [
      {
        items,
        "kills of the client / the server": `${killed.client} / ${killed.server}`,
        "kills before the end": run.killedMeanwhile,
        "upstream batches": run.upstream,
        "lines answered upstream": run.answered,
        faults: faults.length,
        seconds: run.seconds,
      },
    ],
    [
      `Seed ${seed}. The client sends one batch through \`openai-batch\` to the \`/v1\` of the server, whose model is a handler. Every key has one result, which is the function of its item; each attempt made one upstream batch; no line was answered upstream twice.`,
    ],
  );
  for (const fault of faults) say(`FAULT ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await endChildren();
  rmSync(folder, { recursive: true, force: true });
}
