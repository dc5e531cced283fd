/**
 * What every entry script needs before anything is installed. Plain JavaScript without dependencies: it has to run under
 * whatever Node (20 or newer) the machine brings, and hands over to the Node this project is pinned to.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, realpathSync, statSync, utimesSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout (or installed package) these scripts belong to. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const windows = process.platform === "win32";
const installed = join(root, "node_modules", ".package-lock.json");

/** Node's flag under which `import … from "batchyard"` means this checkout's sources and not the build. */
export const FROM_SOURCE = "--conditions=batchyard-source";

/** Code is compiled once, not at every start: halves the time to `ready`. Where the folder cannot be written Node goes without. */
export const COMPILED = join(root, "node_modules", ".cache", "compiled");

/** Path of the pinned Node; null before `npm install`, and where only the production dependencies are installed. */
export function pinnedNode() {
  const path = join(root, "node_modules", "node", "bin", windows ? "node.exe" : "node");
  return existsSync(path) ? path : null;
}

/** Runs `npm install` when nothing is installed or the lock file is newer than what is. Ends the process when that fails. */
export function installMissing() {
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs && pinnedNode()) return;
  process.stderr.write("installing dependencies (the first time takes about a minute) …\n");
  const options = ["install", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const result = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...options], { cwd: root, encoding: "utf8" })
    : spawnSync("npm", options, { cwd: root, encoding: "utf8", shell: windows });
  const failed = result.status !== 0;
  if (failed || !pinnedNode()) {
    process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}\n`);
    const cure = failed
      ? "npm install failed; see the lines above, then run this command again"
      : "npm install left out the pinned Node; allow dev dependencies and install scripts (npm config get omit, ignore-scripts), then run this command again";
    process.stderr.write(`${cure}\n`);
    process.exit(1);
  }
  // npm leaves the stamp alone when nothing changed; without a new one every start would install again.
  const now = new Date();
  utimesSync(installed, now, now);
}

/** Environment in which `node` and the installed tools are the project's own. */
export function pinnedEnvironment(extra = {}) {
  const bin = join(root, "node_modules", ".bin");
  return { ...process.env, ...extra, PATH: [bin, process.env.PATH ?? ""].join(delimiter) };
}

/** Runs the pinned Node with these arguments in place of this process: same terminal, same signals, same exit code. */
export function handOver(args, { node = pinnedNode() ?? process.execPath, env = process.env } = {}) {
  const child = spawn(node, args, { stdio: "inherit", env: { NODE_COMPILE_CACHE: COMPILED, ...env } });
  forwardSignals(child);
  child.on("error", (error) => {
    process.stderr.write(`cannot run ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** Hands the signals that end this process to `child` instead, which decides when it is over. */
export function forwardSignals(child) {
  // A terminal sends Ctrl-C to both processes, and a second one means "now": it must not reach the child twice.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !terminal) child.kill(signal);
    });
  }
}

/** Whether this process is the pinned Node already. */
export function isPinned() {
  const pinned = pinnedNode();
  return pinned !== null && realpathSync(pinned) === realpathSync(process.execPath);
}
