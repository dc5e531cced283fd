import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

/** A connection of its own that copies the log into the database while the main thread goes on writing. */
const { path } = workerData as { path: string };
const db = new DatabaseSync(path);
db.exec("PRAGMA busy_timeout = 0");

parentPort!.on("message", () => {
  try {
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    parentPort!.postMessage("done");
  } catch (error) {
    parentPort!.postMessage(error instanceof Error ? error.message : String(error));
  }
});
