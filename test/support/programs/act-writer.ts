/**
 * Retries, finishes or cancels a batch of very many items, and kills itself after so many turns of the event loop, between two slices.
 *
 *   node act-writer.ts DATA NOW retry|finish|cancel BATCH TURNS
 */
import { setImmediate } from "node:timers/promises";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";

const [directory = "", now = "", act = "", id = "", turns = ""] = process.argv.slice(2);
const store = openSqliteStore({ directory, synchronous: "NORMAL" });
const done = (
  act === "retry"
    ? store.batches.retry("acme", id, {}, Number(now))
    : act === "cancel"
      ? store.batches.end("acme", id, "cancelled", null, Number(now))
      : store.batches.finish("acme", id, { error: "enough", code: "enough" }, Number(now))
).then(() => console.error("it was done before it could be killed"));
for (let turn = 0; turn < Number(turns); turn++) await setImmediate();
process.kill(process.pid, "SIGKILL");
await done;
