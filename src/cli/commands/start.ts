import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { RunningServer } from "../../server.ts";
import { isFinal } from "../../model/moves.ts";
import { runSample, type SampleBatch, type SampleOutcome } from "../../sample/flow.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../exit.ts";
import { count, table } from "../../terminal/figures.ts";
import { ProgressLine } from "../../terminal/progress.ts";
import { followBatch, LOCAL_CALLER } from "../run-batch.ts";
import { aborted, stopSignal } from "../stopping.ts";
import { announce, openServer, withServeOptions, type ServeFlags } from "./serve.ts";

const SAMPLE_TAG = "sample";

export function addStart(program: Command, context: Context): void {
  withServeOptions(program.command("start").description("serve; the first start runs a sample over real data (what npm start does)"))
    .option("--once", "run the sample, print its summary, and end")
    .addHelpText("after", "\nExample:\n  $ batchyard start --once")
    .action(async (flags: ServeFlags & { once?: boolean }) => {
      const { terminal } = context;
      const stop = stopSignal(terminal, "stopping …");
      const server = await openServer(context, flags, true);
      try {
        if (flags.once === true || (await isSampleDue(server))) {
          const outcome = await sample(context, server, stop.signal);
          if (outcome !== null) await terminal.out(summaryOf(outcome));
          else if (flags.once === true) throw new CommandError("The sample was stopped before its end");
        }
        if (stop.signal.aborted) return;
        await announce(context, server);
        if (flags.once !== true) await aborted(stop.signal);
      } finally {
        await server.stop();
        stop.forget();
      }
    });
}

/** On the first start, and again when an earlier one was stopped within the sample. */
async function isSampleDue({ firstStart, yard }: RunningServer): Promise<boolean> {
  if (firstStart) return true;
  const begun = await yard.batches.history(LOCAL_CALLER, { tag: SAMPLE_TAG, limit: 1 });
  const reported = await yard.batches.history(LOCAL_CALLER, { tag: SAMPLE_TAG, operation: "report", limit: 1 });
  return begun.total > 0 && reported.total === 0;
}

/** Null when it was stopped. */
async function sample({ terminal }: Context, { yard }: RunningServer, signal: AbortSignal): Promise<SampleOutcome | null> {
  let title = "";
  const stopped = new Error("stopped");
  const { batches } = yard;
  try {
    return await runSample(
      {
        create: (request, items) => batches.create(LOCAL_CALLER, request, items),
        async wait(id) {
          const { batch } = await followBatch(batches, id, new ProgressLine(terminal), signal, title);
          if (!isFinal(batch.status)) throw stopped;
          return {
            id: batch.id,
            operation: batch.operation,
            status: batch.status,
            totalItems: batch.totalItems,
            succeeded: batch.succeeded,
            failed: batch.failed,
          };
        },
        async results(id) {
          const lines: string[] = [];
          for await (const block of batches.streamResults(LOCAL_CALLER, id, { success: true })) lines.push(...block);
          return lines;
        },
        async filePath(id) {
          const { stream, path } = await yard.files(LOCAL_CALLER.tenant).open(id);
          stream.destroy();
          // Under a name a browser opens, beside the file the server serves.
          const page = join(yard.config.data, "sample-report.html");
          await copyFile(path, page);
          return page;
        },
      },
      (step) => {
        title = step.title;
      },
    );
  } catch (error) {
    if (error === stopped) return null;
    throw error;
  }
}

function summaryOf({ batches, reportPath }: SampleOutcome): string {
  const rows = batches.map((batch: SampleBatch) => [
    batch.operation,
    batch.status,
    count(batch.totalItems),
    count(batch.succeeded),
    count(batch.failed),
    batch.id,
  ]);
  const report = reportPath === null ? "The report failed; see it with: batchyard list --operation report" : `Report: ${reportPath}`;
  return `${table([["OPERATION", "STATUS", "ITEMS", "SUCCEEDED", "FAILED", "ID"], ...rows], [2, 3, 4])}${report}\n`;
}
