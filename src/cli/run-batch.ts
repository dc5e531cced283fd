import type { Batches, BatchView, Caller } from "../batches/service.ts";
import { openItems } from "../model/batch.ts";
import { isFinal } from "../model/moves.ts";
import { count, duration, rate } from "../terminal/figures.ts";
import type { ProgressLine } from "../terminal/progress.ts";
import { clean, type Terminal } from "../terminal/terminal.ts";

/** Who a command without a server acts as: the owner of the data directory. */
export const LOCAL_CALLER: Caller = { tenant: "default", actor: "cli", role: "admin", credential: null, address: null };

const FIRST_LOOK_MS = 10;
const LAST_LOOK_MS = 200;

/** Shows a batch of this process moving until it has ended or the signal stops the watching. */
export async function followBatch(
  batches: Batches,
  id: string,
  line: ProgressLine,
  signal: AbortSignal,
  label?: string,
): Promise<BatchView> {
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(LAST_LOOK_MS, lookMs * 2)) {
    const view = await batches.view(LOCAL_CALLER, id);
    line.update(standingOf(view, label ?? view.batch.operation));
    if (isFinal(view.batch.status) || signal.aborted) {
      line.end();
      return view;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, lookMs);
      signal.addEventListener("abort", done);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}

function standingOf({ batch, itemsPerSecond, etaAt }: BatchView, label: string): Parameters<ProgressLine["update"]>[0] {
  const ended = batch.totalItems - openItems(batch);
  const progress = isFinal(batch.status) ? 100 : batch.totalItems === 0 ? 0 : Math.min(99, Math.floor((ended / batch.totalItems) * 100));
  return {
    label,
    total: batch.totalItems,
    processed: batch.succeeded + batch.failed,
    failed: batch.failed,
    progress,
    itemsPerSecond,
    etaAt,
  };
}

/** "completed: 98 succeeded, 2 failed of 100 in 3 s (33/s)", and the largest groups of errors. */
export async function sayOutcome(batches: Batches, { batch }: BatchView, terminal: Terminal, groupsShown: number): Promise<void> {
  const tookMs = batch.startedAt === null || batch.completedAt === null ? null : batch.completedAt - batch.startedAt;
  const processed = batch.succeeded + batch.failed;
  const time =
    tookMs === null ? "" : ` in ${duration(tookMs)}${processed > 0 && tookMs > 0 ? ` (${rate((processed / tookMs) * 1_000)})` : ""}`;
  terminal.say(`${batch.status}: ${count(batch.succeeded)} succeeded, ${count(batch.failed)} failed of ${count(batch.totalItems)}${time}`);
  for (const warning of batch.warnings) terminal.say(terminal.errPaint("yellow", `warning: ${clean(warning)}`));
  if (batch.error !== null) terminal.say(terminal.errPaint("red", clean(batch.error)));
  if (batch.failed === 0) return;
  const groups = await batches.errors(LOCAL_CALLER, batch.id);
  for (const group of groups.slice(0, groupsShown))
    terminal.say(
      `  ${count(group.count)} × ${group.code}: ${clean(group.error)} (e.g. ${group.examples.slice(0, 3).map(clean).join(", ")})`,
    );
  if (groups.length > groupsShown) terminal.say(`  and ${count(groups.length - groupsShown)} more kinds of errors`);
}
