/**
 * Retries all failed batches of a store, seven in a commit at most, and kills itself: `within` the commit that writes the audit entry
 * of the batch with this number, or `behind` the first commit that has as many, without a turn of the event loop.
 *
 *   node bulk-writer.ts DATA NOW within|behind NUMBER
 */
import { Bulk } from "../../../src/batches/bulk.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import type { BulkStore } from "../../../src/store/bulk.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

const [directory, now, how, number] = [process.argv[2]!, Number(process.argv[3]), process.argv[4], Number(process.argv[5])];
const store = openSqliteStore({ directory, synchronous: "NORMAL" });
const clock = new VirtualClock({ startsAt: now });
let entries = 0;

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;);
}

const acting: Pick<BulkStore, "act"> = {
  act(slice) {
    const done = store.bulk.act({
      ...slice,
      batches: slice.batches.slice(0, 7),
      withinMs: Infinity,
      entry(before, after) {
        entries += 1;
        if (how === "within" && entries === number) die();
        return slice.entry(before, after);
      },
    });
    if (how === "behind" && entries >= number) die();
    return done;
  },
};
const bulk = new Bulk({
  store: { events: store.events, audit: store.audit, bulk: Object.assign(Object.create(store.bulk) as BulkStore, acting) },
  signals: { batchChanged() {} },
  clock,
  failed: (error) => console.error(error),
});
const caller = { tenant: "acme", actor: "key:ci", role: "admin", credential: null, address: null } as const;
await bulk.add(caller, { action: "retry", filter: { from: 0, to: now, statuses: ["failed"] }, rate: 10_000 });
for (;;) await clock.advance(250);
