import { invalid } from "../../model/errors.ts";
import type { Fault } from "../../model/errors.ts";
import { instantMs } from "../../model/fields.ts";
import type { RecordFilter } from "../../store/port.ts";

/** Conditions of one filter: each is a look into every record. */
const MAX_CONDITIONS = 50;

/** The fault of a filter that asks too much; none when it does not. */
export function tooComplex(filter: RecordFilter): Fault[] {
  const count = Object.keys(filter.equals).length + (filter.tags?.length ?? 0);
  if (count <= MAX_CONDITIONS) return [];
  return [{ path: "filters", message: `has ${count} conditions; at most ${MAX_CONDITIONS}`, code: "filter_too_complex" }];
}

/**
 * A request's `filters` as a filter of records: `createdAfter`, `createdBefore` (ISO 8601, inclusive) and `tags` (has each of
 * them) mean themselves, every other name is equality on that top-level field. Throws validation_failed with all faults.
 */
export function toRecordFilter(filters: Record<string, unknown>): RecordFilter {
  const { createdAfter, createdBefore, tags, ...equals } = filters;
  const faults: Fault[] = [];
  const filter: RecordFilter = { equals };
  const time = (name: "createdAfter" | "createdBefore", value: unknown): void => {
    if (value === undefined || value === null) return;
    const ms = typeof value === "string" ? instantMs(value) : Number.NaN;
    if (Number.isNaN(ms))
      faults.push({
        path: `filters.${name}`,
        message: "must be an ISO 8601 time with zone such as 2026-01-31T12:00:00Z, or a date such as 2026-01-31",
        code: "invalid_date",
      });
    else filter[name] = ms;
  };
  time("createdAfter", createdAfter);
  time("createdBefore", createdBefore);
  if (tags !== undefined && tags !== null) {
    const list: unknown[] = Array.isArray(tags) ? tags : [tags];
    if (list.every((tag) => typeof tag === "string")) filter.tags = list;
    else faults.push({ path: "filters.tags", message: "must be an array of strings", code: "invalid_type" });
  }
  faults.push(...tooComplex(filter));
  if (faults.length > 0) throw invalid(faults);
  return filter;
}
