/**
 * `node --conditions=batchyard-source bench/upstream-campaign.ts [schedules] [hits]`: the golden invariant of openai-batch over random
 * fault schedules (1000), then a crash at each point in each way, at the first time it is reached and at later ones (8).
 */
import { CRASH_POINTS, CRASHES, runCrash } from "../test/support/campaigns/crash-campaign.ts";
import { startPeer } from "../test/support/openai-peer/peer.ts";
import { openPair, runSchedule } from "../test/support/campaigns/upstream-campaign.ts";

const [schedules = 1000, hits = 8] = process.argv.slice(2).map(Number);
let bad = 0;

const startedAt = performance.now();
for (let from = 1; from <= schedules; from += 50) {
  const pair = await openPair();
  for (let seed = from; seed < Math.min(from + 50, schedules + 1); seed++) {
    const { faults, schedule } = await runSchedule(pair, seed);
    if (faults.length === 0) continue;
    bad += 1;
    console.log(`seed ${seed}: ${faults.join("; ")} ${JSON.stringify(schedule)}`);
  }
  await pair.close();
}
console.log(`${schedules} schedules in ${Math.round((performance.now() - startedAt) / 1000)} s, ${bad} broke the invariant`);

const peer = await startPeer({ steps: "poll" });
let runs = 0;
let crashed = 0;
for (const point of CRASH_POINTS) {
  for (const crash of CRASHES) {
    for (let hit = 1; hit <= hits; hit++) {
      const verdict = await runCrash({ peer, point, crash, hit });
      runs += 1;
      crashed += verdict.crashed ? 1 : 0;
      if (verdict.faults.length === 0) continue;
      bad += 1;
      console.log(`${crash} at ${point}, time ${hit}: ${verdict.faults.join("; ")}`);
    }
  }
}
await peer.close();
console.log(`${runs} runs, ${crashed} of them with a crash`);
process.exitCode = bad === 0 ? 0 : 1;
