import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADAPTERS, type Opened } from "../contract/store/adapters.ts";
import { recountFlow } from "../contract/store/flow-recount.ts";
import { Rig } from "../contract/store/rig.ts";
import { command, EFFECTS, World } from "./world.ts";

const RUNS = 400;
const COMMANDS = 40;

describe.each(ADAPTERS)("$name against the model", ({ open }) => {
  let opened: Opened;
  let rig: Rig;
  beforeAll(async () => {
    opened = await open();
    rig = new Rig(opened);
  });
  afterAll(() => opened.close());

  it(`keeps its counters, its states and each key once over ${RUNS} histories of up to ${COMMANDS} commands`, async () => {
    let run = 0;
    const effects = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: COMMANDS / 2, maxLength: COMMANDS, size: "max" }), async ([first, ...commands]) => {
        const world = new World(rig, run++, effects);
        try {
          await world.step({ ...first!, kind: "create" });
          for (const step of commands) await world.step(step);
          for (const model of world.models) await world.checkResults(model);
          expect(await findingsOf(rig, world.ids)).toEqual([]);
          await world.runToTheEnd();
          expect(await findingsOf(rig, world.ids)).toEqual([]);
        } finally {
          await clear(rig, world);
        }
      }),
      { numRuns: RUNS },
    );
    // And what they all add up to.
    expect(await rig.findings()).toEqual([]);
    const flow = await recountFlow(rig.opened, rig.store);
    expect(flow.faults).toEqual([]);
    expect(flow.compared).toBeGreaterThan(RUNS);
    // A model that is never moved proves nothing: each command took effect, and each end was reached.
    for (const effect of EFFECTS) expect.soft(effects.get(effect) ?? 0, effect).toBeGreaterThan(RUNS / 20);
  });
});

async function findingsOf(rig: Rig, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const batchId of ids)
    found.push(...(await rig.store.upkeep.verify({ rebuild: false, batchId })).findings.map((finding) => finding.message));
  return found;
}

/** Leaves nothing open behind: the next history shares the store. */
async function clear(rig: Rig, world: World): Promise<void> {
  for (const model of world.models) await rig.store.batches.end(model.tenant, model.id, "cancelled", null, rig.now);
}
