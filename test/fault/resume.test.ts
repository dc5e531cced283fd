import { describe, expect, it } from "vitest";
import { folders } from "../support/folder.ts";
import { resumeCampaign } from "../support/campaigns/resume-campaign.ts";

/** 1,000 disconnects and 20 restarts take minutes: bench/resume.ts runs the same campaign at that size. */
const DISCONNECTS = 100;
const RESTARTS = 3;

const newFolder = folders();

describe(`${DISCONNECTS} disconnects and ${RESTARTS} restarts while events flow`, () => {
  it("leave every reader with what the store holds: nothing lost, nothing twice, nothing out of order", async () => {
    const seed = 20_260_102;
    const campaign = await resumeCampaign({ disconnects: DISCONNECTS, restarts: RESTARTS, seed, folder: newFolder() });
    console.log(JSON.stringify({ seed, ...campaign }));
    expect(campaign.faults).toEqual([]);
    expect(campaign.disconnects).toBeGreaterThanOrEqual(DISCONNECTS);
    expect(campaign.connections).toBeGreaterThan(DISCONNECTS / 2);
    // Cuts between frames only would prove little.
    expect(campaign.withinFrame).toBeGreaterThan(DISCONNECTS / 10);
    expect(campaign.restarts.SIGKILL).toBeGreaterThan(0);
    expect(campaign.restarts.SIGTERM).toBeGreaterThan(0);
    expect(campaign.events).toBeGreaterThan(200);
  });
});
