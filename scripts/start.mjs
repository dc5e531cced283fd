/** `npm start [-- --once …]`: installs and builds what is missing and starts the server of this checkout. */
import { join } from "node:path";
import { buildDashboard, isDashboardStale } from "./dashboard.mjs";
import { FROM_SOURCE, handOver, installMissing, root } from "./pinned.mjs";

installMissing();
if (isDashboardStale()) {
  process.stderr.write("building the dashboard …\n");
  try {
    buildDashboard({ quiet: true });
  } catch (error) {
    // The server works without it and shows a plain page; what is wrong stands here.
    process.stderr.write(`${error.message}\n`);
  }
}
handOver([FROM_SOURCE, join(root, "src", "cli", "main.ts"), "start", ...process.argv.slice(2)]);
