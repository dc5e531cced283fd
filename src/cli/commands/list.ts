import { Option, type Command } from "commander";
import { BATCH_STATES } from "../../model/moves.ts";
import type { BatchStatus } from "../../client/index.ts";
import { instant, jsonOption, wholeNumber } from "../arguments.ts";
import { statusWord } from "../../terminal/batch-screen.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { count, table } from "../../terminal/figures.ts";
import { clean } from "../../terminal/terminal.ts";

interface Flags extends ConnectionFlags {
  status?: BatchStatus;
  operation?: string;
  name?: string;
  tag?: string;
  since?: string;
  limit: number;
  cursor?: string;
  json?: boolean;
}

export function addList(program: Command, context: Context): void {
  withConnection(program.command("list").description("list batches, newest first"))
    .addOption(new Option("--status <status>", "only those in this state").choices([...BATCH_STATES]))
    .option("--operation <name>", "only those of this operation")
    .option("--name <text>", "only those whose name contains this")
    .option("--tag <tag>", "only those with this tag")
    .option("--since <when>", "only those created since: 12h, 7d, or a time", instant("past"))
    .option("--limit <n>", "how many, 1 to 100", wholeNumber(1, 100), 20)
    .option("--cursor <cursor>", "go on after an earlier page")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard list --status running --since 24h")
    .action(async (flags: Flags) => {
      const { status, operation, name, tag, limit, cursor, since } = flags;
      const query = {
        ...(status === undefined ? {} : { status }),
        ...(operation === undefined ? {} : { operation }),
        ...(name === undefined ? {} : { name }),
        ...(tag === undefined ? {} : { tag }),
        ...(cursor === undefined ? {} : { cursor }),
        ...(since === undefined ? {} : { createdAfter: since }),
      };
      const page = await connect(flags).history({ ...query, limit });
      if (flags.json === true) {
        await context.terminal.out(
          `${JSON.stringify({ batches: page.batches, count: page.count, total: page.total, totalIsExact: page.totalIsExact, nextCursor: page.nextCursor }, null, 2)}\n`,
        );
        return;
      }
      if (page.batches.length === 0) {
        if (page.nextCursor !== null) {
          context.terminal.say(`None of the batches looked at matches; to look through older ones: --cursor ${page.nextCursor}`);
          return;
        }
        context.terminal.say("No batches match. Create one with 'batchyard submit', or run one here with 'batchyard run'");
        return;
      }
      const heading = ["ID", "OPERATION", "STATUS", "DONE", "ITEMS", "FAILED", "CREATED", "NAME"];
      const rows = page.batches.map((batch) => [
        batch.id,
        clean(batch.operation),
        batch.status,
        `${batch.progress} %`,
        count(batch.total_items),
        count(batch.failed_items),
        batch.created_at,
        clean(batch.name ?? ""),
      ]);
      const text = table([heading, ...rows], [3, 4, 5]);
      await context.terminal.out(
        text.replace(new RegExp(`\\b(${BATCH_STATES.join("|")})\\b(?= +\\d+ %)`, "g"), (word) =>
          statusWord(word as BatchStatus, context.terminal.outPaint),
        ),
      );
      if (page.nextCursor !== null)
        context.terminal.say(
          `${count(page.batches.length)} of ${count(page.total)}${page.totalIsExact ? "" : " or more"}; the next page: --cursor ${page.nextCursor}`,
        );
    });
}
