import { existsSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { configFromProcess } from "../../config.ts";
import { jsonOption } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../exit.ts";
import { bytes, plural } from "../../terminal/figures.ts";
import { fileSink } from "../output-file.ts";

const DATA = ["--data <dir>", "data directory (default: BATCHYARD_DATA, else ./data)"] as const;

export function addAudit(program: Command, context: Context): void {
  const audit = program
    .command("audit")
    .description("check and export the log of who did what, while the server runs")
    .addHelpText("after", "\nExample:\n  $ batchyard audit verify --data ./data");
  const { terminal } = context;

  audit
    .command("verify")
    .description("find entries that were edited, removed, moved, cut off or written anew")
    .option(...DATA)
    .option("--head <seq:hash>", "a head that an earlier verify gave and that was noted down elsewhere", headOf)
    .addOption(jsonOption())
    .addHelpText("after", "\nExit code 1: something was changed.\n\nExample:\n  $ batchyard audit verify --data ./data")
    .action(async (flags: { data?: string; head?: { seq: number; hash: string }; json?: boolean }) => {
      const { upkeep, close } = await openStore(flags.data);
      try {
        const verdict = await upkeep.verifyAudit(flags.head);
        const head = verdict.head === null ? null : `${verdict.head.seq}:${verdict.head.hash}`;
        if (flags.json === true) await terminal.out(`${JSON.stringify({ ...verdict, head }, null, 2)}\n`);
        else {
          for (const { message } of verdict.faults) await terminal.out(`${terminal.outPaint("red", "WRONG ")} ${message}\n`);
          if (verdict.found > verdict.faults.length)
            await terminal.out(`and ${plural(verdict.found - verdict.faults.length, "more fault")}\n`);
          if (verdict.ok)
            await terminal.out(
              `${terminal.outPaint("green", "ok    ")} ${plural(verdict.entries, "entry", "entries")}, head ${head ?? "none"}\n`,
            );
        }
        if (!verdict.ok) context.end(EXIT.error);
      } finally {
        await close();
      }
    });

  withConnection(
    audit
      .command("accept")
      .description(
        "take the log as it is for what is proven from now on, when its anchor is gone, put back or does not fit; asks the server",
      )
      .requiredOption("--reason <text>", "why; it stands in the log, with what was wrong"),
  )
    .addHelpText("after", '\nExample:\n  $ batchyard audit accept --reason "restored from the backup of 3 May"')
    .action(async (flags: ConnectionFlags & { reason: string }) => {
      const { ok, head, faults } = await connect(flags).request<{ ok: boolean; head: string | null; faults: { message: string }[] }>(
        "/api/admin/audit/anchor",
        { method: "POST", json: { reason: flags.reason } },
      );
      for (const { message } of faults) await terminal.out(`${terminal.outPaint("red", "WRONG ")} ${message}\n`);
      terminal.say(`From now on the log is proven from ${head ?? "its first entry"} on.`);
      if (!ok) context.end(EXIT.error);
    });

  audit
    .command("export")
    .description("write all entries as lines of JSON, oldest first, with their hashes")
    .option(...DATA)
    .option("--output <file>", "write here (default: stdout)")
    .addHelpText("after", "\nExample:\n  $ batchyard audit export --output audit.jsonl")
    .action(async (flags: { data?: string; output?: string }) => {
      const { upkeep, close } = await openStore(flags.data);
      const sink = flags.output === undefined ? null : await fileSink(flags.output);
      try {
        for await (const block of upkeep.audit()) {
          const text = block.map((entry) => `${JSON.stringify({ ...entry, at: new Date(entry.at).toISOString() })}\n`).join("");
          if (sink === null) await terminal.out(text);
          else await sink.write(Buffer.from(text));
        }
        if (sink !== null) terminal.say(`${flags.output}: ${bytes(await sink.commit())}`);
      } catch (error) {
        await sink?.discard();
        throw error;
      } finally {
        await close();
      }
    });
}

async function openStore(data: string | undefined) {
  const config = configFromProcess({ BATCHYARD_DATA: data });
  if (!existsSync(join(config.data, "batchyard.db")))
    throw new CommandError(`There is no store in ${config.data}; name the data directory with --data`);
  const { openUpkeep } = await import("../../main.ts");
  return openUpkeep(config);
}

function headOf(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new InvalidArgumentError("it is written seq:hash, as `batchyard audit verify` gave it");
  return { seq: Number(seq), hash };
}
