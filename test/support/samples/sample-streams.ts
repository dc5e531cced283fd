import { z } from "zod";
import type { Client } from "../../../src/client/index.ts";
import { defineOperation, OperationError } from "../../../src/index.ts";
import { TestYard } from "../../../src/testing/test-yard.ts";
import { fate, resultOf, type Numbered } from "../fates.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHOPS = ["berlin", "hamburg", "munich", "cologne", "leipzig"];

const RULES = { operation: "steady", options: { workMs: 40 }, keyField: "shop", idleTimeoutSeconds: 45, maxItems: 25 };

/**
 * A day and more of one stream, `orders`, recorded on a virtual clock into the data directory of a server that starts afterwards:
 * windows that closed for several reasons, failures and retries, a change of the rules a day ago and one an hour and a half ago.
 */
export async function recordedStream(data: string): Promise<void> {
  let yard: TestYard | null = null;
  const steady = defineOperation({
    name: "steady",
    options: z.strictObject({ workMs: z.number().default(0) }),
    async processItem(item: Numbered, ctx) {
      await yard!.clock.wait(ctx.options.workMs * (1 + (item.n % 7)), ctx.signal);
      const kind = fate(item.n);
      if (kind === "transient" && ctx.attempt === 0) throw new Error("Not this time");
      if (kind === "permanent") throw new OperationError("Never", { code: "never" });
      return { result: resultOf(item) };
    },
  });
  const now = Date.now();
  yard = await TestYard.open({ data, operations: [steady], startsAt: now - 26 * HOUR_MS, realMs: 5 });
  const { streams } = yard.parts;
  const caller = { tenant: "default", actor: "api", role: "admin", credential: null, address: null } as const;
  await streams.put(caller, "orders", { ...RULES, windowSeconds: 180 });
  let n = 0;
  const offer = async (cycle: number): Promise<void> => {
    const rush = cycle % 12 < 3 ? 9 : 2;
    const items = SHOPS.slice(0, 1 + (cycle % SHOPS.length)).flatMap((shop, i) =>
      Array.from({ length: i === 0 ? rush : 1 + (cycle % 3) }, () => ({ id: `order-${(n += 1)}`, n, shop, total: 10 + (n % 90) })),
    );
    const texts = items.map((item) => JSON.stringify(item));
    await streams.offer(caller, "orders", texts, 0);
  };
  const changes = new Map([
    [now - 25 * HOUR_MS, 120],
    [now - 1.5 * HOUR_MS, 90],
  ]);
  for (let cycle = 0; yard.clock.now() < now - 3 * MINUTE_MS; cycle += 1) {
    for (const [at, windowSeconds] of changes) {
      if (yard.clock.now() < at) continue;
      changes.delete(at);
      await streams.put(caller, "orders", { ...RULES, windowSeconds });
    }
    // The longer ago the seldomer; between the bursts time is skipped.
    const isLately = now - yard.clock.now() < 2 * HOUR_MS;
    for (let burst = 0; burst < 3 + (cycle % 3); burst += 1) {
      await offer(cycle);
      await yard.clock.advance(25_000);
    }
    if (!isLately) await yard.clock.advance(MINUTE_MS);
    await yard.advance(isLately ? 10_000 : 8 * MINUTE_MS);
  }
  await streams.flush(caller, "orders", null);
  await yard.advance(Math.max(0, now - yard.clock.now()));
  await yard.close();
}

/** Open windows, a stream that is paused and one whose dead letters wait, for a server with the operations of misbehaving.config.ts. */
export async function sampleStreams(client: Client): Promise<void> {
  const orders = SHOPS.flatMap((shop, i) => Array.from({ length: 3 + i * 4 }, (_, n) => ({ id: `${shop}-${n}`, n: 1, shop })));
  await client.streams.put("orders", { ...RULES, windowSeconds: 90 });
  await client.streams.push("orders", orders);
  await client.streams.put("clicks", { operation: "steady", keyField: "page", windowSeconds: 600, maxOpen: 5, overflow: "dead_letter" });
  await client.streams.push(
    "clicks",
    Array.from({ length: 12 }, (_, n) => ({ id: `click-${n}`, n, page: `/p/${n % 2}` })),
  );
  await client.streams.put("invoices", { operation: "steady", keyField: "customer", windowSeconds: 300, paused: true });
  await client.streams.push("invoices", [{ id: "inv-1", n: 1, customer: "acme" }]);
}
