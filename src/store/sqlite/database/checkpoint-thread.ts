import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

/** A connection of its own that copies the log into the database while the main thread goes on writing. */
const { path } = workerData as { path: string };
const db = new DatabaseSync(path);
db.exec("PRAGMA busy_timeout = 0");
const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");

parentPort!.on("message", () => {
  try {
    // Pages in the log, copied ones included; it starts anew only when all are copied at a moment without a writer.
    const { log } = checkpoint.get() as { log: number };
    parentPort!.postMessage(log);
  } catch {
    // Busy, or a full disk: the next one tries again.
    parentPort!.postMessage(0);
  }
});
