/** `npm run check [-- gate …]`: the one word for done. Each gate says how much it looked at; all run even when one fails. */
import { handOver, installMissing, isPinned } from "./pinned.mjs";
import { fileURLToPath } from "node:url";

installMissing();
if (isPinned()) {
  const { runGates } = await import("./gates.mjs");
  process.exitCode = runGates(process.argv.slice(2));
} else handOver([fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
