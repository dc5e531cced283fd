import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * One folder for what a run of the tests puts into the temporary folder: removed at its end, also what a failed test left. Whatever is
 * named after this project and still there then is said: a test that passes removes what it made.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "batchyard-run-"));
  process.env["TMPDIR"] = folder;
  return () => {
    const left = readdirSync(folder).filter((name) => name.startsWith("batchyard-"));
    if (left.length > 0) console.log(`left in the temporary folder: ${left.join(", ")}`);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}
