/**
 * Writes entries of an audit log and kills itself between the commit of the last ones and their anchor: nothing is written behind
 * them without a turn of the event loop.
 *
 *   node audit-writer.ts DATA ANCHORED BEHIND (Infinity: it goes on until it is killed)
 */
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";

const [directory, anchored, behind] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const { audit } = openSqliteStore({ directory, synchronous: "NORMAL" });
const write = (action: string): Promise<void> =>
  audit.append({
    tenant: "acme",
    at: 1,
    actor: "a",
    credential: null,
    address: null,
    action,
    target: "t",
    before: null,
    after: null,
    outcome: "SUCCESS",
  });
for (let n = 0; n < anchored; n++) await write(`anchored ${n}`);
// Resolves with the anchor on the disk.
await audit.verify();
process.stdout.write("anchored\n");
for (let n = 0; n < behind; n++) await write(`behind ${n}`);
process.kill(process.pid, "SIGKILL");
