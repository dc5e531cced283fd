import type { ArrivalColumns } from "../../model/arrival-block.ts";
import type { ClosedWindow } from "../../store/port.ts";
import type { Closure } from "../../model/window.ts";

export interface Calibration {
  /** Unix milliseconds: since the rules are as they are, if that is later than the recording begins. */
  from: number;
  /** Windows that really closed, and those that the replay of the rules in force closes. */
  recorded: { batches: number; reasons: Record<string, number> };
  replayed: { batches: number; reasons: Record<string, number> };
  /** Same key, start, items and reason. */
  matched: number;
  /** matched ÷ the larger of both, 0..1; null = nothing closed. */
  share: number | null;
}

/** Compares a replay with what was recorded of the same time, window by window; urgent items that went alone are not compared. */
export class Calibrator {
  private readonly from: number;
  private readonly arrivals: ArrivalColumns;
  /** By key number, in the order they closed. */
  private readonly recorded = new Map<number, ClosedWindow[]>();
  private readonly heads = new Map<number, number>();
  private readonly reasons = { recorded: new Map<string, number>(), replayed: new Map<string, number>() };
  private matched = 0;

  constructor(from: number, arrivals: ArrivalColumns) {
    this.from = from;
    this.arrivals = arrivals;
  }

  /** In the order they closed; windows that opened before `from` are left out, as in the replay. */
  record(window: ClosedWindow): void {
    const key = this.arrivals.find(window.key);
    if (key === undefined || window.openedAt < this.from || window.reason === "fast_path") return;
    tally(this.reasons.recorded, window.reason);
    const own = this.recorded.get(key);
    if (own === undefined) this.recorded.set(key, [window]);
    else own.push(window);
  }

  /** In the order the replay closes them. */
  replay(key: number, closure: Closure): void {
    if (closure.reason === "fast_path") return;
    tally(this.reasons.replayed, closure.reason);
    const own = this.recorded.get(key) ?? [];
    let head = this.heads.get(key) ?? 0;
    while (head < own.length && own[head]!.openedAt < closure.openedAt) head += 1;
    // One commit can fill several windows of a key within a millisecond: which of them came first is not recorded.
    for (let i = head; own[i]?.openedAt === closure.openedAt; i++) {
      const window = own[i]!;
      if (window.items !== closure.items || window.reason !== closure.reason) continue;
      own[i] = own[head]!;
      own[head++] = window;
      this.matched += 1;
      break;
    }
    this.heads.set(key, head);
  }

  view(): Calibration {
    const recorded = total(this.reasons.recorded);
    const replayed = total(this.reasons.replayed);
    const all = Math.max(recorded.batches, replayed.batches);
    return { from: this.from, recorded, replayed, matched: this.matched, share: all === 0 ? null : this.matched / all };
  }
}

function tally(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

function total(counts: Map<string, number>): { batches: number; reasons: Record<string, number> } {
  const reasons = Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { batches: [...counts.values()].reduce((sum, n) => sum + n, 0), reasons };
}
