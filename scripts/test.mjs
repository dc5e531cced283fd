/**
 * `npm test [-- --embedded-only] [vitest arguments …]`: installs what is missing, starts the servers that tests need, runs
 * them all, and ends with the line `tests: N passed, N failed[, N skipped]`. What could not run is named, and fails the run
 * unless --embedded-only asked for it.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { forwardSignals, handOver, installMissing, isPinned, pinnedEnvironment, pinnedNode, root } from "./pinned.mjs";

installMissing();
if (isPinned()) process.exitCode = await main(process.argv.slice(2));
else handOver([fileURLToPath(import.meta.url), ...process.argv.slice(2)]);

async function main(args) {
  const { needsOf, provide } = await import("./servers.mjs");
  const embeddedOnly = args.includes("--embedded-only");
  const passedOn = args.filter((arg) => arg !== "--embedded-only");
  const paths = passedOn.filter((arg) => !arg.startsWith("-"));
  const environment = {};
  const servers = [];
  const left = [];
  for (const need of needsOf(paths)) {
    try {
      if (embeddedOnly) throw new Error("left out by --embedded-only");
      const server = await provide(need);
      servers.push(server);
      environment[need.variable] = server.value;
    } catch (error) {
      left.push({ need, reason: error.message });
    }
  }
  const scratch = mkdtempSync(join(tmpdir(), "batchyard-test-"));
  try {
    const report = join(scratch, "report.json");
    const excluded = left.flatMap(({ need }) => need.folders.flatMap((folder) => ["--exclude", `${folder}/**`]));
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await vitest(["run", ...reporters, ...excluded, ...passedOn], environment);
    const counts = count(report);
    for (const { need, reason } of left) console.log(`did not run: ${need.folders.join(", ")} (needs ${need.name}): ${reason}`);
    for (const file of counts.broken) console.log(`did not load: ${file}`);
    if (code !== 0 && counts.failed === 0)
      console.log(`vitest ended with exit code ${code} although no test failed; its output above says why`);
    if (counts.passed + counts.failed === 0) console.log("no test ran");
    console.log(`tests: ${counts.passed} passed, ${counts.failed} failed${counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`}`);
    const whole = left.length === 0 || embeddedOnly;
    return code === 0 && counts.failed === 0 && counts.passed > 0 && whole ? 0 : 1;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(scratch, { recursive: true, force: true });
  }
}

function vitest(args, environment) {
  const child = spawn(pinnedNode(), [join(root, "node_modules", "vitest", "vitest.mjs"), ...args], {
    cwd: root,
    stdio: "inherit",
    env: pinnedEnvironment(environment),
  });
  // Stopping this script stops the run; the servers are stopped after it.
  forwardSignals(child);
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

/** Test counts of vitest's JSON report. A file that breaks before its first test counts as one failure. */
function count(report) {
  let files;
  try {
    files = JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    return { passed: 0, failed: 0, skipped: 0, broken: [] };
  }
  const states = files.flatMap((file) => file.assertionResults.map((test) => test.status));
  const broken = files.filter((file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"));
  const passed = states.filter((state) => state === "passed").length;
  const failed = states.filter((state) => state === "failed").length;
  return { passed, failed: failed + broken.length, skipped: states.length - passed - failed, broken: broken.map((file) => file.name) };
}
