/** `npm run build`: the sources as JavaScript with declarations, and the dashboard, in dist/; nothing left over from an earlier build. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildDashboard } from "./dashboard.mjs";
import { handOver, installMissing, root } from "./pinned.mjs";

installMissing();
rmSync(join(root, "dist"), { recursive: true, force: true });
try {
  buildDashboard();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
handOver([join(root, "node_modules", "typescript", "bin", "tsc"), "-p", join(root, "tsconfig.build.json")]);
