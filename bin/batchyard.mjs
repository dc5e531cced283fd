#!/usr/bin/env node
/** The `batchyard` command: the build where there is one that is not older than the sources, else the sources of the checkout. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FROM_SOURCE, handOver, installMissing, pinnedNode, root } from "../scripts/pinned.mjs";

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
  handOver(buildIsFresh() ? [...flags, built, ...args] : [...flags, FROM_SOURCE, source, ...args]);
} else if (newEnough) {
  handOver([...flags, built, ...args], { node: process.execPath });
} else {
  process.stderr.write(`batchyard needs Node 22.18 or newer, this is ${process.version}; install a newer Node and try again\n`);
  process.exit(1);
}

function buildIsFresh() {
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return sources.every((file) => statSync(join(root, "src", file)).mtimeMs <= builtAt);
}
