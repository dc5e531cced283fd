import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { configFromProcess, type Config } from "../../config.ts";
import { jsonOption } from "../arguments.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { bytes, count, plural } from "../../terminal/figures.ts";

interface Check {
  name: string;
  ok: boolean;
  message: string;
}

// Below this an upload of the default limit no longer fits beside the store.
const LOW_DISK_BYTES = 5 * 1024 ** 3;

export function addDoctor(program: Command, context: Context): void {
  program
    .command("doctor")
    .description("check the machine, the configuration and the store: every counter is recounted")
    .option("--data <dir>", "data directory (default: BATCHYARD_DATA, else ./data)")
    .option("--rebuild", "mend the counters that are wrong")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nA server may be running meanwhile. Exit code 1: something is wrong and was not mended.\n\nExample:\n  $ batchyard doctor --data ./data --rebuild",
    )
    .action(async (flags: { data?: string; rebuild?: boolean; json?: boolean }) => {
      const config = configFromProcess({ BATCHYARD_DATA: flags.data });
      const checks = [nodeCheck(), configCheck(config), ...directoryChecks(config), ...(await storeChecks(config, flags.rebuild === true))];
      const { terminal } = context;
      if (flags.json === true) await terminal.out(`${JSON.stringify({ ok: checks.every((check) => check.ok), checks }, null, 2)}\n`);
      else
        for (const check of checks)
          await terminal.out(
            `${check.ok ? terminal.outPaint("green", "ok    ") : terminal.outPaint("red", "WRONG ")} ${check.name}: ${check.message}\n`,
          );
      if (checks.some((check) => !check.ok)) context.end(EXIT.error);
    });
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 22 || (major === 22 && minor >= 18);
  return { name: "Node.js", ok, message: ok ? process.version : `${process.version} is too old; install 22.18 or newer` };
}

function configCheck(config: Config): Check {
  return {
    name: "configuration",
    ok: config.warnings.length === 0,
    message: config.warnings.length === 0 ? "every value is allowed" : config.warnings.join("; "),
  };
}

function directoryChecks(config: Config): Check[] {
  if (!existsSync(config.data))
    return [{ name: "data directory", ok: true, message: `${config.data} is not there yet; the first start makes it` }];
  try {
    accessSync(config.data, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [{ name: "data directory", ok: false, message: `${config.data} cannot be written by this user` }];
  }
  const { bavail, bsize } = statfsSync(config.data);
  const free = bavail * bsize;
  return [
    { name: "data directory", ok: true, message: config.data },
    {
      name: "disk",
      ok: free >= LOW_DISK_BYTES,
      message: `${bytes(free)} free${free >= LOW_DISK_BYTES ? "" : `; make that ${bytes(LOW_DISK_BYTES)} or more`}`,
    },
  ];
}

async function storeChecks(config: Config, rebuild: boolean): Promise<Check[]> {
  if (!existsSync(join(config.data, "batchyard.db"))) return [];
  const { openUpkeep } = await import("../../main.ts");
  const { upkeep, close } = await openUpkeep(config);
  try {
    const { checkedBatches, checkedChunks, findings } = await upkeep.verify({ rebuild });
    const store: Check = {
      name: "store",
      ok: findings.every((finding) => finding.repaired),
      message: `${plural(checkedBatches, "batch", "batches")} and ${plural(checkedChunks, "chunk")} recounted, ${findings.length === 0 ? "all counters right" : plural(findings.length, "counter")}${findings.length === 0 ? "" : " wrong"}, ${bytes(await upkeep.size())}`,
    };
    const verdict = await upkeep.verifyAudit();
    const audit: Check = {
      name: "audit log",
      ok: verdict.ok,
      message: verdict.ok
        ? `${plural(verdict.entries, "entry", "entries")}, as they were written`
        : `${verdict.faults[0]!.message}; batchyard audit verify tells more`,
    };
    const shown = findings.slice(0, 20).map((finding): Check => ({
      name: finding.batchId ?? "store",
      ok: finding.repaired,
      message: finding.message + (finding.repaired ? " (mended)" : "; mend it with --rebuild"),
    }));
    const more = findings.length > 20 ? [{ name: "store", ok: store.ok, message: `and ${count(findings.length - 20)} more` }] : [];
    return [store, audit, ...shown, ...more];
  } finally {
    await close();
  }
}
