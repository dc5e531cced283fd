import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option, type Command } from "commander";
import type { BatchView } from "../../batches/service.ts";
import { configFromProcess } from "../../config.ts";
import { CONTENT_TYPES, type ReadFormat, type WriteFormat } from "../../formats/format.ts";
import { isFinal } from "../../model/moves.ts";
import { exportFormatOption, inputFormatOption, jsonObject, priorityOption, wholeNumber } from "../arguments.ts";
import { loadProjectConfig } from "../config-file.ts";
import type { Context } from "../context.ts";
import { EXIT, usage, type ExitCode } from "../exit.ts";
import { bytes } from "../../terminal/figures.ts";
import { openInput, type Input } from "../input-file.ts";
import { formatOf } from "../output-file.ts";
import { ProgressLine } from "../../terminal/progress.ts";
import { writeResults } from "../result-output.ts";
import { followBatch, LOCAL_CALLER, sayOutcome } from "../run-batch.ts";
import { stopSignal } from "../stopping.ts";

interface Flags {
  input?: string;
  collection?: string;
  inputFormat?: ReadFormat;
  options?: Record<string, unknown>;
  output?: string;
  format?: WriteFormat;
  failed?: boolean;
  succeeded?: boolean;
  watch?: boolean;
  config?: string;
  data?: string;
  workers?: number;
  name?: string;
  priority?: "low" | "normal" | "high" | "critical";
}

export function addRun(program: Command, context: Context): void {
  program
    .command("run")
    .description("run a batch here and now, without a server: progress on stderr, results on stdout")
    .argument("<operation>", "what is done to the items")
    .option("--input <file>", "items: jsonl, csv, json or xlsx; - is stdin")
    .addOption(inputFormatOption())
    .option("--collection <name>", "the records of a collection of --data instead of a file")
    .option("--options <json>", "options of the batch and of its operation", jsonObject)
    .option("--output <file>", "write the results here (default: stdout)")
    .addOption(exportFormatOption())
    .option("--failed", "write only the results of failed items")
    .addOption(new Option("--succeeded", "write only the results of items that succeeded").conflicts("failed"))
    .option("--watch", "name every kind of error at the end, not only the largest five")
    .option("--config <file>", "config with your own operations (default: batchyard.config.ts, if there is one)")
    .option("--data <dir>", "keep batch and results in this data directory (default: a temporary one)")
    .option("--workers <n>", "chunks run at once", wholeNumber(1, 256))
    .option("--name <text>", "a name for the batch")
    .addOption(priorityOption())
    .addHelpText(
      "after",
      '\nExample:\n  $ batchyard run validate --input products.csv --options \'{"schema":{"required":["price"]}}\' --output checked.jsonl',
    )
    .action(async (operation: string, flags: Flags) => {
      const format = flags.format ?? formatOf(flags.output) ?? "jsonl";
      if (format === "xlsx" && flags.output === undefined && process.stdout.isTTY)
        throw usage("An xlsx file does not belong on a terminal; name one with --output");
      if (flags.collection !== undefined && flags.data === undefined)
        throw usage("--collection needs --data: collections live in a data directory");
      if (flags.input !== undefined && flags.collection !== undefined) throw usage("--input and --collection exclude each other");
      const input = flags.input === undefined ? null : await openInput(flags.input, flags.inputFormat);
      const directory = flags.data ?? (await mkdtemp(join(tmpdir(), "batchyard-run-")));
      try {
        context.end(await runHere(context, operation, input, directory, format, flags));
      } finally {
        if (flags.data === undefined) await rm(directory, { recursive: true, force: true });
      }
    });
}

async function runHere(
  { terminal }: Context,
  operation: string,
  input: Input | null,
  directory: string,
  format: WriteFormat,
  flags: Flags,
): Promise<ExitCode> {
  const config = configFromProcess({ BATCHYARD_DATA: directory, BATCHYARD_WORKERS: flags.workers?.toString(), LOG_LEVEL: "error" });
  const { operations, channels, providers } = await loadProjectConfig(flags.config);
  const { createYard } = await import("../../main.ts");
  // A directory made for this run holds nothing to work on; only an operation of one's own may plan its items out of nothing.
  const plansItself = operations?.some(({ name, plan }) => name === operation && plan !== undefined) === true;
  if (input === null && flags.data === undefined && !plansItself)
    throw usage("--input is missing: name a file of items, or - for standard input");
  const stop = stopSignal(terminal, "stopping …");
  const yard = await createYard({ config, operations, channels, providers });
  try {
    // Refused before a byte is read, with the names of those there are.
    yard.registry.get(operation);
    const request = { operation, options: flags.options, name: flags.name, priority: flags.priority };
    const from =
      input === null
        ? flags.collection === undefined
          ? {}
          : { input: { collection: flags.collection } }
        : { input: { file_id: await stored(yard.files(LOCAL_CALLER.tenant), input) } };
    const batch = await yard.batches.create(LOCAL_CALLER, { ...request, ...from }, null);
    await yard.start();
    const view = await followBatch(yard.batches, batch.id, new ProgressLine(terminal), stop.signal);
    if (!isFinal(view.batch.status)) {
      terminal.say(
        flags.data === undefined
          ? "stopped: the batch and its results are gone; keep them with --data"
          : `stopped: batch ${batch.id} goes on with 'batchyard serve --data ${flags.data}'`,
      );
      return EXIT.error;
    }
    const filter = flags.failed === true ? { success: false } : flags.succeeded === true ? { success: true } : {};
    const size = await writeResults(yard.batches.streamResults(LOCAL_CALLER, batch.id, filter), format, flags.output, terminal);
    if (flags.output !== undefined) terminal.say(`${flags.output}: ${bytes(size)}`);
    await sayOutcome(yard.batches, view, terminal, flags.watch === true ? 1_000 : 5);
    return exitCodeOf(view);
  } finally {
    stop.forget();
    await yard.stop();
  }
}

/** The input as a file of the yard: every operation then reads it row by row, and a row that cannot be read fails alone. */
async function stored(
  files: { save(bytes: AsyncIterable<Uint8Array>, meta: { name: string; contentType: string }): Promise<{ id: string }> },
  input: Input,
): Promise<string> {
  return (await files.save(input.bytes, { name: input.name, contentType: CONTENT_TYPES[input.format] })).id;
}

function exitCodeOf({ batch }: BatchView): ExitCode {
  if (batch.status === "cancelled" || batch.status === "expired") return EXIT.error;
  return batch.failed > 0 || batch.status === "failed" ? EXIT.failedItems : EXIT.ok;
}
