import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { defineOperation, OperationError } from "batchyard";
import { createTestYard } from "batchyard/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALERT_TICK_MS } from "../../src/model/alert.ts";

const SECOND = 1000;

describe("from the moment something is so to the webhook that tells of it", () => {
  it("takes at most the rule's own time and 15 seconds, whenever it happens", async () => {
    const heard: number[] = [];
    let now = (): number => 0;
    const sink = createServer((request, response) => {
      request.resume().on("end", () => {
        heard.push(now());
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    const webhook = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
    let worst = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 59_999 }), fc.integer({ min: 0, max: 120 }), async (happensAt, asked) => {
        heard.length = 0;
        const failing = defineOperation({
          name: "work",
          processItem: () => {
            throw new OperationError("no", { code: "no", category: "data" });
          },
        });
        const yard = await createTestYard({ operations: [failing], channels: { ops: { webhook } }, alerts: true });
        now = () => yard.clock.now();
        try {
          for (const { name, kind } of await yard.parts.alerts.rules("default"))
            await yard.parts.alerts.saveRule("default", name, { kind, enabled: kind === "batchFailure", forSeconds: asked });
          // As the rule says of itself: in whole looks.
          const { forMs } = (await yard.parts.alerts.rules("default")).find(({ name }) => name === "batchFailure")!;
          expect(forMs).toBe(Math.ceil((asked * SECOND) / ALERT_TICK_MS) * ALERT_TICK_MS);
          await yard.advance(happensAt);
          const { id } = await yard.createBatch({ operation: "work", items: [{}] });
          const { completed_at } = await yard.runToEnd(id);
          const isSoAt = Date.parse(completed_at!);
          // Whole seconds, so that time stands still at each look until its message has arrived.
          await yard.advance(SECOND - (yard.clock.now() % SECOND));
          while (heard.length === 0 && yard.clock.now() < isSoAt + 10 * 60 * SECOND) {
            await yard.advance(SECOND);
            while ((await yard.parts.store.outbox.due(yard.clock.now(), 1)).length > 0) await turn();
          }
          worst = Math.max(worst, heard[0]! - isSoAt - forMs);
          expect(heard[0]! - isSoAt).toBeGreaterThanOrEqual(forMs);
          expect(heard[0]! - isSoAt).toBeLessThanOrEqual(forMs + 15 * SECOND);
        } finally {
          await yard.close();
        }
      }),
      {
        numRuns: 40,
        examples: [
          [0, 0],
          [1, 0],
          [14_999, 0],
          [15_000, 60],
          [15_001, 20],
          [14_999, 1],
        ],
      },
    );
    console.log(`alerts: told at most ${worst} ms after the rule's own time`);
    expect(worst).toBeGreaterThan(10 * SECOND);
    sink.closeAllConnections();
    await new Promise((resolve) => sink.close(resolve));
  });
});
