import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CRASH_POINTS, CRASHES, ITEMS, runCrash } from "../support/campaigns/crash-campaign.ts";
import { startProgram } from "../support/upstream-life.ts";
import { startPeer, type Peer } from "../support/openai-peer/peer.ts";

let peer: Peer;
beforeAll(async () => {
  peer = await startPeer({ steps: "poll" });
});
afterAll(() => peer.close());

describe("single submit", () => {
  it.each(CRASH_POINTS.flatMap((point) => CRASHES.map((crash) => ({ point, crash }))))(
    "a $crash at $point leaves one upstream batch an attempt, and none without an owner",
    async ({ point, crash }) => {
      const verdict = await runCrash({ peer, point, crash, hit: 1 });
      expect(verdict.faults).toEqual([]);
      // Where the answer is lost there is none to crash at.
      expect(verdict.crashed).toBe(!(point === "create_answered" && crash === "lost reply"));
    },
  );

  it.each(["prepared", "create_sent", "create_answered", "collected", "settled"] as const)(
    "a process killed at %s is followed by one that finishes its work",
    async (point) => {
      await peer.faults({});
      const before = await peer.record();
      const program = startProgram(peer.baseURL);
      try {
        expect(await program.live(point)).toBe("killed");
        expect(await program.live(null)).toEqual({ succeeded: ITEMS });
      } finally {
        program.remove();
      }
      const record = await peer.record();
      expect(record.batches.length - before.batches.length).toBe(1);
      expect(record.billed.length - before.billed.length).toBe(ITEMS);
    },
  );
});
