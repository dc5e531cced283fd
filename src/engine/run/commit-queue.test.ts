import { describe, expect, it } from "vitest";
import { newBits } from "../../model/bits.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { LedgerEntry } from "../../model/ledger.ts";
import type { Commit, CommitOutcome } from "../../store/port.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Budget } from "../limits/budget.ts";
import { RunBudget } from "./run-budget.ts";
import { SettledItems } from "./settled-items.ts";

const full = new BatchyardError("storage_full", {});
const ACCEPTED: CommitOutcome = { accepted: true, batch: null };

/** A queue whose store answers as it is told, and what happened to it in order. */
function queue(answers: ("taken" | Error)[] = []) {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const budget = new Budget(1_000);
  const purse = new RunBudget(budget);
  const happened: string[] = [];
  const answer = async (what: string): Promise<CommitOutcome> => {
    const next = answers.shift() ?? "taken";
    happened.push(next === "taken" ? what : `${what} refused`);
    if (next !== "taken") throw next;
    return ACCEPTED;
  };
  const commits = new CommitQueue({
    store: {
      chunks: { commit: ({ now }) => answer(`commit ${now}`) },
      ledger: {
        book: (entries) =>
          answer(`book ${entries.map(({ counted }) => counted).join()}`).then(() => ({ booked: entries.length, repeated: 0 })),
      },
    },
    clock,
    budget: purse,
    signal: abort.signal,
    deferred: (error) => void happened.push(`deferred: ${(error as BatchyardError).code}`),
    told: (_outcome, { now }) => void happened.push(`told ${now}`),
  });
  return { clock, abort, budget, purse, happened, commits };
}

function commit(now: number, { success = true, entries = [] as LedgerEntry[] } = {}): Commit {
  const settled = new SettledItems({ id: 1, fence: 1, attempt: 0, done: newBits(8) });
  if (success) settled.succeeded(0, "1", { ok: true, result: 1, durationMs: 1 }, undefined, now);
  for (const entry of entries) settled.booked(entry);
  return settled.take({ end: "checkpoint", now, next: [], progress: false }, []);
}

const here = (): boolean => false;
const gone = (): boolean => true;

describe("the commits of a run", () => {
  it("are written one after another, each told when the store has it", async () => {
    const { commits, happened } = queue();
    commits.add(commit(1), 0, here);
    commits.add(commit(2), 0, here);
    expect(commits.last).toBeNull();
    await commits.written;
    expect(happened).toEqual(["commit 1", "told 1", "commit 2", "told 2"]);
    expect(commits.last).toBe(ACCEPTED);
  });

  it("wait for space, and nothing passes them", async () => {
    const { commits, clock, happened } = queue([full, full]);
    commits.add(commit(1), 0, here);
    commits.add(commit(2), 0, here);
    await clock.advance(999);
    expect(happened).toEqual(["commit 1 refused", "deferred: storage_full"]);
    await clock.advance(1_001);
    await commits.written;
    expect(happened.slice(2)).toEqual(["commit 1 refused", "deferred: storage_full", "commit 1", "told 1", "commit 2", "told 2"]);
  });

  it("are given up with the lease, and for what is no want of space at once", async () => {
    const waiting = queue([full, full]);
    waiting.commits.add(commit(1), 0, here);
    await waiting.clock.advance(1);
    waiting.abort.abort();
    await expect(waiting.commits.written).rejects.toBe(full);
    const broken = queue([new Error("broken")]);
    broken.commits.add(commit(1), 0, here);
    await expect(broken.commits.written).rejects.toThrow("broken");
    expect(broken.happened).toEqual(["commit 1 refused"]);
  });

  it("without a chunk book what was spent, as no part of its results; results still go to the store", async () => {
    const { commits, budget, purse, happened } = queue();
    purse.pay(1_000);
    const entries = [{ counted: true, price: null } as LedgerEntry];
    commits.add(commit(1, { success: false, entries }), purse.take(), gone);
    commits.add(commit(2), 0, gone);
    await commits.written;
    expect(happened).toEqual(["book false", "commit 2", "told 2"]);
    expect([budget.spent, purse.take()]).toEqual([true, 0]);
  });
});
