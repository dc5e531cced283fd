/** `npm start [-- --once …]`: installs what is missing and starts the server of this checkout. */
import { join } from "node:path";
import { FROM_SOURCE, handOver, installMissing, root } from "./pinned.mjs";

installMissing();
handOver([FROM_SOURCE, join(root, "src", "cli", "main.ts"), "start", ...process.argv.slice(2)]);
