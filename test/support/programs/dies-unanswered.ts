/**
 * A server that kills itself between the commit of the first batch and the answer: the store tells its listeners right after
 * COMMIT, in the same turn of the event loop.
 *
 *   node dies-unanswered.ts DATA
 */
import { loadConfig } from "../../../src/config.ts";
import { startServer } from "../../../src/server.ts";
import config from "./misbehaving.config.ts";

const settings = {
  BATCHYARD_DATA: process.argv[2],
  BATCHYARD_PORT: "0",
  BATCHYARD_WORKERS: "0",
  BATCHYARD_TOKEN: process.env["BATCHYARD_TOKEN"],
  LOG_LEVEL: "error",
};
const { yard, url } = await startServer({ config: loadConfig(settings), operations: config.operations });
yard.store.events.onAppend(() => void process.kill(process.pid, "SIGKILL"));
process.stderr.write(`ready ${url}\n`);
