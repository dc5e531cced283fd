import { describe, expect, it } from "vitest";
import { folders } from "../support/folder.ts";
import { killCampaign } from "../support/campaigns/kill-campaign.ts";

/** 100 kills over 200,000 items take minutes: bench/chaos.ts runs the same campaign at that size. */
const KILLS = 16;
const ITEMS = 12_800;

const newFolder = folders();

describe(`kill -9, ${KILLS} times at seeded instants over ${ITEMS} items`, () => {
  it("loses nothing, counts nothing twice, and repeats only what was not committed yet", async () => {
    const seed = 20_260_101;
    const campaign = await killCampaign({ kills: KILLS, items: ITEMS, seed, folder: newFolder() });
    console.log(JSON.stringify({ seed, ...campaign }));
    expect(campaign.faults).toEqual([]);
    expect(campaign.items).toBeGreaterThanOrEqual(ITEMS);
    // Kills that strike an idle server prove nothing.
    expect(campaign.killsWhile.running).toBeGreaterThan(KILLS / 3);
    expect(campaign.killsWhile.uploading).toBeGreaterThan(0);
    expect(campaign.killsWhile.starting).toBeGreaterThan(0);
    expect(campaign.readBeforeKills).toBeGreaterThan(0);
  });
});
