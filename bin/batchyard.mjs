#!/usr/bin/env node
/** The `batchyard` command: the build where there is one that is not older than the sources, else the sources of the checkout. */
import { existsSync, readdirSync, statSync } from "node:fs";
import * as nodeModule from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { COMPILED, FROM_SOURCE, handOver, installMissing, isPinned, pinnedNode, root } from "../scripts/pinned.mjs";

const built = join(root, "dist", "cli", "main.js");
const source = join(root, "src", "cli", "main.ts");
const args = process.argv.slice(2);
/**
 * `run` streams a file through: nearly everything it allocates is garbage at once. A small young generation and an old one
 * that grows by a fifth keep a million rows below 350 MB, for about a quarter more time in the garbage collector.
 */
const flags = args[0] === "run" ? ["--max-semi-space-size=8", "--heap-growing-percent=20"] : [];

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const newEnough = major > 22 || (major === 22 && minor >= 18);

if (existsSync(source)) {
  // A checkout without dev dependencies runs under the Node that is there, if that is new enough.
  if (pinnedNode() === null && !(newEnough && existsSync(join(root, "node_modules")))) installMissing();
  if (!buildIsFresh()) handOver([...flags, FROM_SOURCE, source, ...args]);
  else if (flags.length === 0 && isPinned()) await runBuilt();
  else handOver([...flags, built, ...args]);
} else if (newEnough) {
  if (flags.length === 0) await runBuilt();
  else handOver([...flags, built, ...args], { node: process.execPath });
} else {
  process.stderr.write(`batchyard needs Node 22.18 or newer, this is ${process.version}; install a newer Node and try again\n`);
  process.exit(1);
}

/** In this process: starting another one would take longer than many a command. */
async function runBuilt() {
  nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? COMPILED);
  await import(pathToFileURL(built).href);
}

function buildIsFresh() {
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return sources.every((file) => statSync(join(root, "src", file)).mtimeMs <= builtAt);
}
