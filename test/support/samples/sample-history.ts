import { serve } from "../../../src/api/server.fixture.ts";
import { defineOperation } from "../../../src/operations/define.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

const MINUTE = 60_000;

/** Works as long as its item says; fails as it says. */
function working(clock: VirtualClock) {
  return defineOperation({
    name: "enrich",
    description: "Looks things up",
    async processItem(item: Record<string, unknown>, context) {
      await clock.wait(Number(item["ms"]), context.signal);
      if (typeof item["fails"] === "string") throw new Error(item["fails"]);
      return { result: null };
    },
  });
}

/**
 * Fills a data directory with `hours` of the past, in a moment: batches, a stream, failures that set off an alert, a changed setting,
 * and half an hour in which no server ran. The server that is started on it afterwards has a history.
 */
export async function sampleHistory(directory: string, hours = 6): Promise<void> {
  const now = Date.now();
  const clock = new VirtualClock({ startsAt: now - hours * 60 * MINUTE });
  const options = { clock, directory, operations: [working(clock)], alerts: true, settings: { BATCH_MAX_RETRIES: "1" } };
  let served = await serve(options);
  await served.send({
    method: "PUT",
    url: "/api/streams/orders",
    payload: { operation: "enrich", keyField: "shop", maxItems: 12, windowSeconds: 240, idleTimeoutSeconds: 60 },
  });
  const cycles = Math.floor((hours * 60) / 7);
  const [bad, changed, stopped] = [0.3, 0.55, 0.8].map((share) => Math.floor(cycles * share)) as [number, number, number];
  for (let n = 0; clock.now() < now - 7 * MINUTE; n += 1) {
    // A day of work in waves; a third of the way in, a while in which much fails.
    const wave = 1 + Math.round(4 * (1 + Math.sin(n / 5)));
    const isBad = n >= bad && n < bad + 4;
    const items = Array.from({ length: 6 * wave }, (_, i) => ({
      id: `i${i}`,
      ms: 200 + ((i * 37 + n * 91) % 900),
      ...(i % (isBad ? 2 : 23) === 1 ? { fails: i % 3 === 0 ? "Timeout" : "Not found" } : {}),
    }));
    for (let i = 0; i < wave; i += 1)
      await served.create({ operation: "enrich", items, name: `Orders ${n}-${i}`, options: { batchSize: 10 } });
    const arrivals = Array.from({ length: 4 * wave }, (_, i) => ({ id: `${n}-${i}`, shop: `shop ${i % 3}`, ms: 100 }));
    await served.send({ method: "POST", url: "/api/streams/orders/items", payload: arrivals });
    if (n === changed) await served.send({ method: "PATCH", url: "/api/v1/settings", payload: { batch: { window_seconds: 60 } } });
    await clock.advance(7 * MINUTE);
    if (n !== stopped) continue;
    await served.close();
    await clock.advance(30 * MINUTE);
    served = await serve(options);
  }
  await served.close();
}

/** A failed batch of a few minutes ago and the alert of it, which stands. */
export async function sampleAlert(directory: string): Promise<void> {
  const clock = new VirtualClock({ startsAt: Date.now() - 3 * MINUTE });
  const served = await serve({ clock, directory, operations: [working(clock)], alerts: true });
  const items = Array.from({ length: 4 }, (_, i) => ({ id: `i${i}`, ms: 10, fails: "No such shop" }));
  await served.create({ operation: "enrich", name: "Supplier feed", items, options: { maxFailures: 1 } });
  await clock.advance(3 * MINUTE);
  await served.close();
}
