import { describe, expect, it } from "vitest";
import { access } from "./access.ts";
import { ADAPTERS, type Adapter } from "./adapters.ts";
import { alerts } from "./alerts.ts";
import { attempts } from "./attempts.ts";
import { bulk } from "./bulk.ts";
import { channels } from "./channels.ts";
import { commits } from "./commits.ts";
import { dead } from "./dead.ts";
import { failures } from "./failures.ts";
import { dependencies } from "./dependencies.ts";
import { ends } from "./ends.ts";
import { impact } from "./impact.ts";
import { intake } from "./intake.ts";
import { leases } from "./leases.ts";
import { ledger } from "./ledger.ts";
import { lists } from "./lists.ts";
import { log } from "./log.ts";
import { members } from "./members.ts";
import { monitoring } from "./monitoring.ts";
import { openai } from "./openai.ts";
import { opening } from "./opening.ts";
import { records } from "./records.ts";
import { removal } from "./removal.ts";
import { reports } from "./reports.ts";
import { requests } from "./requests.ts";
import { results } from "./results.ts";
import { retries } from "./retries.ts";
import { Rig } from "./rig.ts";
import { scheduling } from "./scheduling.ts";
import { sorts } from "./sorts.ts";
import { streams } from "./streams.ts";
import { tenants } from "./tenants.ts";
import { upkeep } from "./upkeep.ts";

const CASES = [
  intake,
  leases,
  commits,
  ends,
  retries,
  removal,
  dependencies,
  reports,
  results,
  lists,
  sorts,
  scheduling,
  tenants,
  records,
  access,
  log,
  upkeep,
  monitoring,
  streams,
  ledger,
  openai,
  requests,
  impact,
  dead,
  failures,
  attempts,
  alerts,
  channels,
  bulk,
  members,
  opening,
].flat();
/** Fewer cases than this mean that a section got lost. */
const FLOOR = 185;

function casesOf(adapter: Adapter): typeof CASES {
  const skipped = new Set(adapter.skip.flatMap((skip) => skip.tests));
  return CASES.filter((each) => !skipped.has(each.name));
}

describe("the contract of src/store/port.ts", () => {
  it("names each case once", () => {
    expect(CASES.map((each) => each.name)).toEqual([...new Set(CASES.map((each) => each.name))]);
  });

  it.each(ADAPTERS)("runs enough cases against $name, and each skip names one", (adapter) => {
    const names = new Set(CASES.map((each) => each.name));
    expect(adapter.skip.flatMap((skip) => skip.tests).filter((test) => !names.has(test))).toEqual([]);
    expect(adapter.skip.filter((skip) => skip.reason.trim() === "" || skip.tests.length === 0)).toEqual([]);
    expect(casesOf(adapter).length).toBeGreaterThanOrEqual(FLOOR);
    console.log(`contract: ${adapter.name} is held to ${casesOf(adapter).length} of ${CASES.length} cases`);
  });
});

describe.each(ADAPTERS)("$name", (adapter) => {
  it.each(casesOf(adapter))("$name", async ({ run }) => {
    // A case that asserts nothing fails.
    expect.hasAssertions();
    const opened = await adapter.open();
    try {
      await run(new Rig(opened));
    } finally {
      await opened.close();
    }
  });
});
