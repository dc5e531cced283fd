/**
 * kill -9 at random instants until the last batch is done, then a recount of everything:
 *
 *   node bench/chaos.ts [--kills 100] [--items 200000] [--seed n] [--save]
 *
 * The same campaign as test/fault/kill.test.ts, with more kills and items.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endChildren } from "../test/support/child.ts";
import { killCampaign } from "../test/support/campaigns/kill-campaign.ts";
import { report } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    items: { type: "string", default: "200000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    save: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const folder = mkdtempSync(join(tmpdir(), "batchyard-chaos-"));
try {
  const { faults, killsWhile, ...campaign } = await killCampaign({
    kills: Number(values.kills),
    items: Number(values.items),
    seed,
    folder,
    say: (line) => void process.stderr.write(`${line}\n`),
  });
  report(
    "Kill campaign: kill -9 at random instants",
    [
      {
        kills: campaign.kills,
        "while starting / uploading / running": `${killsWhile.starting} / ${killsWhile.uploading} / ${killsWhile.running}`,
        batches: campaign.batches,
        items: campaign.items,
        "creates answered": campaign.acknowledged,
        "answers lost": campaign.unanswered,
        "handler calls": campaign.calls,
        "calls repeated": campaign.repeatedCalls,
        "most by one kill": campaign.mostRepeatedByOneKill,
        "results read before a kill": campaign.readBeforeKills,
        "oldest repeated, ms before its kill": campaign.oldestRepeatedMs,
        faults: faults.length,
        seconds: campaign.seconds,
      },
    ],
    [
      `Seed ${seed}. Every key has exactly one result, each result is the function of its item, every counter equals its recount, every answered create is stored.`,
      "No item whose result was read before a kill was called after it. A repeated call is one that ended (or ran) after the last commit before a kill: a chunk commits at its end and at least once a second, a chunk that was interrupted before ten times a second. Calls are written to a file before the handler does anything, and what a killed process wrote stays, so none is missed.",
    ],
  );
  for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await endChildren();
  rmSync(folder, { recursive: true, force: true });
}
