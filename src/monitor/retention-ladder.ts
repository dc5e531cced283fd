import type { Clock } from "../model/clock.ts";
import { isFinal, type FinalBatchStatus } from "../model/moves.ts";
import type { FootprintRow, Store } from "../store/port.ts";
import { retentionPolicies, type BatchDays, type Retention, type RetentionPass, type RetentionPolicy } from "./retention.ts";

const DAY_MS = 86_400_000;
/** Lower ends of the rungs, days since a batch was created. */
const RUNGS = [0, 1, 7, 30, 90] as const;
/** What the next pass would remove is counted up to here. */
const DUE_COUNTED = 10_000;
/** What a batch without items takes, in items: its row, its statistics, its events. */
const BATCH_WEIGHT = 2;

/** What is stored. Bytes are an estimate: the share of the store's pages that so many items and batches have. */
export interface Stored {
  batches: number;
  items: number;
  estimatedBytes: number;
}

/** `more` = that is not all. */
export interface Due {
  entries: number;
  more: boolean;
}

export interface LadderState extends RetentionPolicy, Stored {
  /** What the next pass would remove; `more` = that is not all. */
  due: { batches: number; more: boolean };
  /** By days since creation; `toDays` null = no end. Without empty ones. */
  rungs: ({ fromDays: number; toDays: number | null } & Stored)[];
}

export interface RetentionLadderView {
  /** Bytes of the store in use, and those that are free for new rows. */
  storeBytes: number;
  freeBytes: number;
  states: LadderState[];
  /** Never removed. */
  unfinished: Stored;
  /** Days (0 = for ever) and what the next pass would remove; of the audit log for its owner only: it is of all tenants. */
  deadLetters: { days: number; due: Due };
  audit: { days: number; due: Due };
  last: RetentionPass | null;
  nextAt: number | null;
}

export interface RetentionLadderParts {
  store: Pick<Store, "batches" | "upkeep" | "dead" | "audit">;
  retention: Pick<Retention, "last" | "nextAt">;
  clock: Clock;
  days: () => BatchDays;
}

/** What is kept by state and age, and what goes next: from sums by day, never from batches. */
export class RetentionLadder {
  private readonly parts: RetentionLadderParts;

  constructor(parts: RetentionLadderParts) {
    this.parts = parts;
  }

  async read(tenant: string): Promise<RetentionLadderView> {
    const { store, retention, clock, days } = this.parts;
    const now = clock.now();
    const { bytes, freeBytes } = await store.upkeep.space();
    const used = bytes - freeBytes;
    const whole = weightOf(await store.batches.footprint(null));
    const rows = await store.batches.footprint(tenant);
    const stored = (part: readonly FootprintRow[]): Stored => ({
      batches: part.reduce((sum, row) => sum + row.batches, 0),
      items: part.reduce((sum, row) => sum + row.items, 0),
      estimatedBytes: whole === 0 ? 0 : Math.round((used * weightOf(part)) / whole),
    });
    const states: LadderState[] = [];
    for (const policy of retentionPolicies(days())) {
      const own = rows.filter(({ status }) => status === policy.status);
      states.push({
        ...policy,
        ...stored(own),
        due: await this.due(tenant, policy.status, now - policy.days * DAY_MS),
        rungs: rungsOf(own, now, stored),
      });
    }
    return {
      storeBytes: used,
      freeBytes,
      states,
      unfinished: stored(rows.filter(({ status }) => !isFinal(status))),
      ...(await this.logs(tenant, now)),
      last: retention.last,
      nextAt: retention.nextAt,
    };
  }

  private async logs(tenant: string, now: number): Promise<Pick<RetentionLadderView, "deadLetters" | "audit">> {
    const { store, days } = this.parts;
    const { deadLetters, audit } = days().retentionOfLog;
    const due = async (kept: number, count: (before: number) => Promise<number>): Promise<{ days: number; due: Due }> => {
      const found = kept === 0 ? 0 : await count(now - kept * DAY_MS);
      return { days: kept, due: { entries: Math.min(found, DUE_COUNTED), more: found > DUE_COUNTED } };
    };
    return {
      deadLetters: await due(deadLetters, (before) => store.dead.expire(before, DUE_COUNTED + 1, tenant)),
      audit: await due(audit, (before) => store.audit.due(before, DUE_COUNTED + 1)),
    };
  }

  private async due(tenant: string, status: FinalBatchStatus, before: number): Promise<LadderState["due"]> {
    const found = await this.parts.store.batches.remove(tenant, before, { limit: DUE_COUNTED + 1, dryRun: true, statuses: [status] });
    return { batches: Math.min(found, DUE_COUNTED), more: found > DUE_COUNTED };
  }
}

function rungsOf(rows: readonly FootprintRow[], now: number, stored: (rows: readonly FootprintRow[]) => Stored): LadderState["rungs"] {
  return RUNGS.flatMap((fromDays, i) => {
    const toDays = RUNGS[i + 1] ?? null;
    const part = rows.filter(({ day }) => {
      const age = Math.floor((now - day) / DAY_MS);
      return age >= fromDays && (toDays === null || age < toDays);
    });
    return part.length === 0 ? [] : [{ fromDays, toDays, ...stored(part) }];
  });
}

function weightOf(rows: readonly FootprintRow[]): number {
  return rows.reduce((sum, row) => sum + row.items + BATCH_WEIGHT * row.batches, 0);
}
