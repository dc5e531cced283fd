import { Sketch } from "../../../model/stats/sketch.ts";
import type { Measure, MeasureName } from "./measures.ts";
import { numberOf } from "./measures.ts";

/** Values kept one by one before a sketch takes over. */
export const EXACT_VALUES = 256;

/**
 * One field within one group. Percentiles are nearest rank: exact up to 256 values, within 1 % of the exact value beyond.
 * Constant memory.
 */
export class FieldSummary {
  numbers = 0;
  /** Values that are there and no number. */
  dirty = 0;
  empty = 0;
  private sum = 0;
  /** What the sum has lost to rounding (Neumaier). */
  private lost = 0;
  private min = Infinity;
  private max = -Infinity;
  private exact: number[] | null;
  private readonly above = new Sketch();
  /** Of the negative values, without their sign. */
  private readonly below = new Sketch();

  private readonly keepsPercentiles: boolean;

  constructor(keepsPercentiles: boolean) {
    this.exact = keepsPercentiles ? [] : null;
    this.keepsPercentiles = keepsPercentiles;
  }

  add(value: unknown): void {
    const number = numberOf(value);
    if (number === null) this.empty++;
    else if (number === undefined) this.dirty++;
    else this.addNumber(number);
  }

  private addNumber(number: number): void {
    this.numbers++;
    const next = this.sum + number;
    this.lost += Math.abs(this.sum) >= Math.abs(number) ? this.sum - next + number : number - next + this.sum;
    this.sum = next;
    if (number < this.min) this.min = number;
    if (number > this.max) this.max = number;
    if (!this.keepsPercentiles) return;
    if (this.exact === null) this.sketch(number);
    else {
      this.exact.push(number);
      if (this.exact.length > EXACT_VALUES) {
        for (const kept of this.exact) this.sketch(kept);
        this.exact = null;
      }
    }
  }

  /** Whether its percentiles come from a sketch. */
  get approximate(): boolean {
    return this.keepsPercentiles && this.exact === null;
  }

  /** Null when there is no number. */
  measure(name: MeasureName): number | null {
    if (this.numbers === 0) return null;
    switch (name) {
      case "count":
        return this.numbers;
      case "sum":
        return this.sum + this.lost;
      case "avg":
        return (this.sum + this.lost) / this.numbers;
      case "min":
        return this.min;
      case "max":
        return this.max;
      case "p50":
        return this.percentile(0.5);
      case "p95":
        return this.percentile(0.95);
    }
  }

  private sketch(number: number): void {
    if (number < 0) this.below.add(-number);
    else this.above.add(number);
  }

  private percentile(q: number): number | null {
    const rank = Math.max(1, Math.ceil(q * this.numbers));
    if (this.exact !== null) return this.exact.toSorted((a, b) => a - b)[rank - 1] ?? null;
    const negatives = this.below.count;
    const found =
      rank <= negatives
        ? -(this.below.quantile((negatives - rank + 1) / negatives) ?? 0)
        : (this.above.quantile((rank - negatives) / this.above.count) ?? 0);
    return Math.min(this.max, Math.max(this.min, found));
  }
}

export interface GroupSummary {
  /** One label for each field of groupBy. */
  labels: string[];
  rows: number;
  fields: Map<string, FieldSummary>;
}

export const MAX_GROUPS = 10_000;
const NO_VALUE = "(none)";
const OTHER = "(other)";
const MAX_LABEL = 200;
const MAX_EXAMPLES = 5;

/** Groups rows in memory that depends on the number of groups (at most 10,000, then `(other)`), never on that of rows. */
export class Grouping {
  readonly total: GroupSummary;
  readonly groups = new Map<string, GroupSummary>();
  /** Rows that went to `(other)`. */
  overflowed = 0;
  /** Field → values that are no numbers, the first five different ones. */
  readonly dirtyExamples = new Map<string, string[]>();
  private readonly groupBy: readonly string[];
  private readonly fields: Map<string, boolean>;

  constructor(groupBy: readonly string[], measures: readonly Measure[]) {
    this.groupBy = groupBy;
    this.fields = new Map();
    for (const { name, field } of measures) {
      if (name !== "count") this.fields.set(field, this.fields.get(field) === true || name === "p50" || name === "p95");
    }
    this.total = this.newGroup(groupBy.map(() => "all"));
  }

  add(row: Record<string, unknown>): void {
    const group = this.groupOf(row);
    group.rows++;
    this.total.rows++;
    for (const field of this.fields.keys()) {
      const value = Object.hasOwn(row, field) ? row[field] : undefined;
      const summary = group.fields.get(field)!;
      const dirty = summary.dirty;
      summary.add(value);
      if (summary.dirty > dirty) this.remember(field, value);
      this.total.fields.get(field)!.add(value);
    }
  }

  private groupOf(row: Record<string, unknown>): GroupSummary {
    const labels = this.groupBy.map((field) => labelOf(Object.hasOwn(row, field) ? row[field] : undefined));
    const id = labels.length === 1 ? labels[0]! : JSON.stringify(labels);
    const known = this.groups.get(id);
    if (known !== undefined) return known;
    if (this.groups.size >= MAX_GROUPS) {
      this.overflowed++;
      // A key no label can be: labels hold no NUL.
      return (
        this.groups.get("\0") ??
        this.keep(
          "\0",
          this.groupBy.map(() => OTHER),
        )
      );
    }
    return this.keep(id, labels);
  }

  private keep(id: string, labels: string[]): GroupSummary {
    const group = this.newGroup(labels);
    this.groups.set(id, group);
    return group;
  }

  private newGroup(labels: string[]): GroupSummary {
    return { labels, rows: 0, fields: new Map([...this.fields].map(([field, percentiles]) => [field, new FieldSummary(percentiles)])) };
  }

  private remember(field: string, value: unknown): void {
    const examples = this.dirtyExamples.get(field) ?? [];
    const text = labelOf(value).slice(0, 60);
    if (examples.length < MAX_EXAMPLES && !examples.includes(text)) this.dirtyExamples.set(field, [...examples, text]);
  }
}

function labelOf(value: unknown): string {
  const text = typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);
  const label = text.replaceAll("\0", " ").trim().slice(0, MAX_LABEL).toWellFormed();
  return label === "" ? NO_VALUE : label;
}

/** A group's value for a measure; null when its field has no number there. */
export function valueOf(group: GroupSummary, measure: Measure): number | null {
  return measure.name === "count" ? group.rows : group.fields.get(measure.field)!.measure(measure.name);
}

/** Largest first by the first measure, groups without a value last, `(other)` at the very end. */
export function sortedGroups(grouping: Grouping, measures: readonly Measure[]): GroupSummary[] {
  const first = measures[0]!;
  const isOther = (group: GroupSummary) => group === grouping.groups.get("\0");
  return [...grouping.groups.values()]
    .map((group) => ({ group, value: valueOf(group, first) ?? -Infinity, other: isOther(group) ? 1 : 0 }))
    .sort(
      (a, b) =>
        a.other - b.other || (a.value === b.value ? (a.group.labels.join("\0") < b.group.labels.join("\0") ? -1 : 1) : b.value - a.value),
    )
    .map(({ group }) => group);
}
