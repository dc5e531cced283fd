import { isFinal } from "../../../model/moves.ts";
import { toUsd } from "../../../model/money.ts";
import { runsUpstream } from "../../../model/upstream.ts";
import type { RawBatch } from "../database/raw-batch.ts";
import type { Database } from "../database/database.ts";
import { failOpenItems, IN_ATTEMPT } from "../batches/finish.ts";

/** The budget of a batch that has spent it, in nano-dollars; null = there is money left, or no limit. */
function spentBudget(raw: RawBatch): number | null {
  const { budget, cost } = raw;
  return budget !== null && cost > 0 && cost >= budget ? budget : null;
}

/**
 * Once a budget is spent, items that have not started fail with `budget_exceeded`; those that run, here or at
 * a provider, may end, as they are paid for. Saves nothing of the batch row itself. Returns how many failed; null = the budget is not spent.
 */
export function stopOverBudget(db: Database, raw: RawBatch, now: number): number | null {
  const budget = spentBudget(raw);
  if (budget === null || isFinal(raw.status)) return null;
  const error = `The budget of the batch is spent: ${toUsd(raw.cost)} of ${toUsd(budget)} USD`;
  const runs = raw.leased_chunks > 0 || hasAttempts(db, raw);
  const failed = failOpenItems(db, raw, { error, code: "budget_exceeded" }, now, runs ? "pending" : "open");
  if (failed > 0) raw.error = error;
  return failed;
}

function hasAttempts(db: Database, raw: RawBatch): boolean {
  if (!runsUpstream(raw.executor)) return false;
  return db.get(`SELECT 1 FROM chunks WHERE batch_id = ? AND state = 'pending' AND ${IN_ATTEMPT} LIMIT 1`, raw.id) !== undefined;
}

/** What a spent budget leaves to be run: the results of this chunk are paid for. */
export function isInAttempt(db: Database, chunkId: number): boolean {
  return db.get(`SELECT 1 FROM chunks WHERE id = ? AND ${IN_ATTEMPT}`, chunkId) !== undefined;
}
