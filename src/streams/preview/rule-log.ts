import type { Clock } from "../../model/clock.ts";
import type { ImpactStore, RuleChange } from "../../store/port.ts";
import { rulesIn, sameRules, type StoredRules } from "./candidate.ts";
import type { ImpactPreview, Measured } from "./preview.ts";

/** What a change is predicted from, and how long it is measured. */
const DAY_MS = 86_400_000;
/** Changes that one round looks at, and one history shows. */
const A_ROUND = 1_000;
const SHOWN = 100;

/** A change of the rules of a stream: what was expected of it, and what it did. Times in Unix milliseconds. */
export interface ChangeReport {
  at: number;
  before: StoredRules;
  after: StoredRules;
  /** The new rules on the arrivals of the day before; null = there were none, or it is not worked out yet. */
  predicted: Measured | null;
  /** Windows of the day after, or of the time until the next change; null = none closed, or that time is not over. */
  actual: Measured | null;
  /** When `actual` is, or was, worked out. */
  actualAt: number;
  state: "waiting" | "measured" | "no_traffic";
}

interface Name {
  tenant: string;
  name: string;
}

/** Remembers when the rules of streams changed; predicts each change when it is made and measures it a day later. */
export class RuleLog {
  private readonly store: ImpactStore;
  private readonly preview: ImpactPreview;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  /** By tenant and name, as text. */
  private readonly known = new Map<string, string>();
  private line: Promise<void> = Promise.resolve();

  constructor(parts: { store: ImpactStore; preview: ImpactPreview; clock: Clock; failed: (error: unknown) => void }) {
    this.store = parts.store;
    this.preview = parts.preview;
    this.clock = parts.clock;
    this.failed = parts.failed;
  }

  /** These rules are in force from now on; nothing is written when they were before. */
  note({ tenant, name }: Name, rules: StoredRules): void {
    const at = this.clock.now();
    const text = JSON.stringify(rules);
    const last = this.known.get(`${tenant}\n${name}`);
    if (last === text) return;
    this.known.set(`${tenant}\n${name}`, text);
    this.enqueue(async () => {
      const before = last === undefined ? (await this.store.rules(tenant, name, 1))[0]?.after : (JSON.parse(last) as RuleChange["after"]);
      if (before !== undefined && JSON.stringify(before) === text) return;
      await this.store.addRules({ tenant, stream: name, at, before: before ?? null, after: { ...rules } });
      if (before !== undefined) await this.round();
    }).catch(this.failed);
  }

  forget({ tenant, name }: Name): void {
    this.known.delete(`${tenant}\n${name}`);
  }

  /** Works out what is due: predictions of new changes, figures of those a day ago. */
  settle(): Promise<void> {
    return this.enqueue(() => this.round());
  }

  /** Newest first, at most 100; pausing and resuming are not among them. */
  async history({ tenant, name }: Name): Promise<ChangeReport[]> {
    await this.settle();
    const rows = await this.store.rules(tenant, name, A_ROUND);
    return rows
      .filter(changesRules)
      .slice(0, SHOWN)
      .map((row) => {
        const { predicted, actual } = row;
        const measured = measuredIn(actual);
        return {
          at: row.at,
          before: rulesIn(row.before!),
          after: rulesIn(row.after),
          predicted: measuredIn(predicted),
          actual: measured,
          actualAt: Math.min(row.at + DAY_MS, nextChange(rows, row) ?? Infinity),
          state: actual === null ? "waiting" : measured === null ? "no_traffic" : "measured",
        };
      });
  }

  async idle(): Promise<void> {
    await this.line;
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.line.then(work);
    this.line = done.catch(() => undefined);
    return done;
  }

  private async round(): Promise<void> {
    for (const row of await this.store.unsettledRules(A_ROUND)) {
      if (!changesRules(row)) await this.store.settleRules(row.id, { predicted: {}, actual: {} });
      else await this.settleOne(row);
    }
  }

  private async settleOne(row: RuleChange): Promise<void> {
    const { id, tenant, at } = row;
    const stream = { tenant, name: row.stream };
    if (row.predicted === null) {
      const measured = await this.preview.predict(stream, rulesIn(row.after), at - DAY_MS, at);
      await this.store.settleRules(id, { predicted: { measured } });
    }
    const next = nextChange(await this.store.rules(tenant, row.stream, A_ROUND), row);
    const until = Math.min(at + DAY_MS, next ?? Infinity);
    if (row.actual === null && until <= this.clock.now())
      await this.store.settleRules(id, { actual: { measured: await this.preview.measure(stream, at, until) } });
  }
}

function changesRules({ before, after }: RuleChange): boolean {
  return before !== null && !sameRules(rulesIn(before), rulesIn(after));
}

/** `rows` newest first. */
function nextChange(rows: readonly RuleChange[], row: RuleChange): number | null {
  return rows.findLast((other) => other.id > row.id && changesRules(other))?.at ?? null;
}

/** Out of the store, where only `settleOne` puts it. */
function measuredIn(stored: Readonly<Record<string, unknown>> | null): Measured | null {
  return (stored?.["measured"] as Measured | null | undefined) ?? null;
}
