/**
 * Little's law in a steady system: batches come at a rate, stay for a while and end, for `--minutes` of virtual time through the real store;
 * every 15 seconds what was counted as in the system is held against what came times how long it stayed.
 *
 *   node --conditions=batchyard-source bench/steady.ts [--minutes 60] [--rate 2] [--save]
 */
import { parseArgs } from "node:util";
import { littlesLaw } from "../src/monitor/health/littles-law.ts";
import { seededRandom } from "../src/testing/random.ts";
import { openSqlite } from "../test/contract/store/adapters.ts";
import { OK, Rig } from "../test/contract/store/rig.ts";
import { percentile, report, type Row } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    rate: { type: "string", default: "2" },
    save: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
const TICK_MS = 15_000;
/** The law looks at the last 15 minutes: before them, and until the first batches have ended, the system is not at rest. */
const WARM_MS = 17 * 60_000;

interface Happening {
  at: number;
  do: () => Promise<void>;
}

/** `stayMs`: how long each batch stays, from a number in 0..1. */
async function run(name: string, stayMs: (x: number) => number): Promise<Row> {
  const opened = await openSqlite();
  const rig = new Rig(opened);
  const random = seededRandom(19);
  const start = rig.now - (rig.now % 60_000) + 60_000;
  const end = start + minutes * 60_000;
  const due: Happening[] = [];
  const errors: number[] = [];
  let batches = 0;
  const later = (happening: Happening): void => {
    const at = due.findIndex((each) => each.at > happening.at);
    due.splice(at < 0 ? due.length : at, 0, happening);
  };
  const arrive = async (): Promise<void> => {
    const batch = await rig.create([["a"]]);
    const chunk = await rig.claim(batch, 86_400_000);
    batches += 1;
    later({ at: rig.now + Math.round(stayMs(random())), do: () => rig.commit(chunk, { a: OK }).then(() => undefined) });
    // As they come by themselves: the times between are exponential.
    later({ at: rig.now + Math.ceil((-Math.log(1 - random()) * 1000) / rate), do: arrive });
  };
  const look = async (): Promise<void> => {
    const { error } = await littlesLaw(opened.store.monitor, await opened.store.batches.counts("acme"), "acme", rig.now);
    if (rig.now >= start + WARM_MS && error !== null) errors.push(error * 100);
    later({ at: rig.now + TICK_MS, do: look });
  };
  later({ at: start, do: arrive });
  later({ at: start + TICK_MS, do: look });
  for (let next = due.shift(); next !== undefined && next.at <= end; next = due.shift()) {
    rig.now = next.at;
    await next.do();
  }
  await opened.close();
  errors.sort((a, b) => a - b);
  const [p50, p99, max] = [percentile(errors, 0.5), percentile(errors, 0.99), errors.at(-1)!];
  return { "each stays": name, batches, looks: errors.length, "error p50 %": p50, "error p99 %": p99, "error max %": max };
}

report(
  "Little's law in a steady system",
  [
    await run("20 s", () => 20_000),
    await run("5 to 60 s", (x) => 5_000 + 55_000 * x),
    await run("30 s on average, exponential", (x) => -Math.log(1 - x) * 30_000),
  ],
  [
    `${rate} batches a second on average, ${minutes} virtual minutes each, through the SQLite store; ${TICK_MS / 1000} s between two looks. Virtual time: the numbers do not depend on the machine.`,
    "What is in the system is known once a minute, 16 times in the 15 minutes of a look, and varies by its root: of n batches in it the error is some 100 / (4 √n) %, 4 % of 40 and 1 % of 600.",
  ],
);
