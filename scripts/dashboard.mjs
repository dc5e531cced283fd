/** The dashboard's build: when it is needed, and how it is made. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pinnedEnvironment, pinnedNode, root } from "./pinned.mjs";

const built = join(root, "dist", "dashboard", "index.html");

const SOURCES = ["dashboard", join("src", "client")];

/** Sources that came after the build, or no build at all. */
export function isDashboardStale() {
  if (!existsSync(built)) return true;
  const at = statSync(built).mtimeMs;
  const sources = SOURCES.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)));
  return [...sources, "package-lock.json"].some((file) => statSync(join(root, file)).mtimeMs > at);
}

/**
 * Builds into dist/dashboard.
 * @throws {Error} with what the build said
 */
export function buildDashboard({ quiet = false } = {}) {
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const args = [vite, "build", "dashboard", "--logLevel", quiet ? "error" : "info"];
  const result = spawnSync(pinnedNode(), args, {
    cwd: root,
    encoding: "utf8",
    // What it says stands beside the server's own lines only when something is wrong.
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    env: pinnedEnvironment(),
  });
  if (result.status === 0) return;
  throw new Error(`the dashboard could not be built\n${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`);
}
