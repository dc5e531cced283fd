import type { Clock } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { NanoUsd } from "../../model/money.ts";
import type { Commit, CommitOutcome, Store } from "../../store/port.ts";
import type { RunBudget } from "./run-budget.ts";

/** A commit that the disk refused is tried again after this long, for as long as the lease is held. */
const FULL_DISK_RETRY_MS = 1000;

interface QueueParts {
  store: { chunks: Pick<Store["chunks"], "commit">; ledger: Pick<Store["ledger"], "book"> };
  clock: Clock;
  budget: RunBudget;
  /** Ends the wait for space. */
  signal: AbortSignal;
  /** A commit was refused for want of space; it will be tried again. */
  deferred(error: unknown): void;
  told(outcome: CommitOutcome, commit: Commit): void;
}

/** The commits of one run, one after another. */
export class CommitQueue {
  private readonly parts: QueueParts;
  private tail: Promise<void> = Promise.resolve();
  /** Of the latest commit that the store answered. */
  last: CommitOutcome | null = null;

  constructor(parts: QueueParts) {
    this.parts = parts;
  }

  /** Everything enqueued so far is written. Rejects when a commit failed for anything but space, or was given up. */
  get written(): Promise<void> {
    return this.tail;
  }

  /**
   * `paid`: of the budget, by what this commit books. `isOver`, asked when its turn comes: there is no chunk to commit to any more;
   * then money is booked, and results still go to the store, which refuses and counts them.
   */
  add(commit: Commit, paid: NanoUsd, isOver: () => boolean): void {
    const { store, budget, told } = this.parts;
    this.tail = this.tail.then(async () => {
      if (isOver() && commit.successes.count + commit.failures.length === 0) return this.booked(commit, paid);
      this.last = await this.kept(() => store.chunks.commit(commit));
      budget.settled(paid, this.last.batch?.cost);
      told(this.last, commit);
    });
    // A commit that fails surfaces where the commits are awaited.
    this.tail.catch(() => {});
  }

  private async booked({ ledger }: Commit, paid: NanoUsd): Promise<void> {
    const { store, budget } = this.parts;
    if (ledger !== undefined) await this.kept(() => store.ledger.book(ledger.map((entry) => ({ ...entry, counted: false }))));
    budget.settled(paid, undefined);
  }

  /** Results are kept until the disk takes them: giving up would throw away work that is done. An abort ends the wait. */
  private async kept<T>(write: () => Promise<T>): Promise<T> {
    const { signal, deferred } = this.parts;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof BatchyardError && error.code === "storage_full") || signal.aborted) throw error;
        deferred(error);
        await this.pause(FULL_DISK_RETRY_MS);
      }
    }
  }

  private pause(ms: number): Promise<void> {
    const { signal, clock } = this.parts;
    return new Promise((resolve) => {
      const over = (): void => {
        cancel();
        signal.removeEventListener("abort", over);
        resolve();
      };
      const cancel = clock.after(ms, over);
      signal.addEventListener("abort", over);
    });
  }
}
