import { z } from "zod";
import { writeCsv } from "../../../formats/csv/csv-writer.ts";
import { OperationError } from "../../../model/failure.ts";
import type { ItemText } from "../../../model/item.ts";
import { defineOperation } from "../../define.ts";
import type { HandlerContext, HandlerResult } from "../../operation.ts";
import { measureOf, measureOption } from "./measures.ts";
import type { Measure } from "./measures.ts";
import { page } from "./page.ts";
import { planSource, reportSource, rowsOf } from "./source.ts";
import type { ReportSource } from "./source.ts";
import { EXACT_VALUES, Grouping, MAX_GROUPS, sortedGroups, valueOf } from "./summary.ts";

const fieldName = z.string().min(1).max(200);

const options = z.strictObject({
  groupBy: z
    .union([fieldName, z.array(fieldName).min(1).max(3)])
    .optional()
    .describe("Up to three top-level fields; without it all rows are one group"),
  measures: z
    .array(measureOption)
    .min(1)
    .max(20)
    .default(["count"])
    .describe("'count', 'avg:price' or {measure, field}; sum, avg, min, max, p50, p95 of numbers and of texts that are numbers"),
  title: z.string().min(1).max(200).default("Report"),
  format: z.enum(["html", "csv"]).default("html"),
});

type ReportOptions = z.output<typeof options>;

/**
 * One file over all rows: groups with counts and sums. Result `{file_id, rows, groups, skipped}`; `skipped` are rows that could
 * not be read. Values that are no numbers are left out of the measures, counted and shown. At most 10,000 groups; the rows of
 * further ones are together in `(other)`. Fails with `empty_report` (data) when there is no row at all.
 */
export const report = defineOperation({
  name: "report",
  free: true,
  description: "Groups and measures all rows, as one HTML page or a CSV file.",
  options,
  async plan(request, services) {
    const source = await planSource(request, services);
    return (async function* (): AsyncGenerator<ItemText[]> {
      yield [{ key: "report", text: JSON.stringify(source) }];
    })();
  },
  processItem: makeReport,
});

async function makeReport(payload: unknown, ctx: HandlerContext<ReportOptions>): Promise<HandlerResult> {
  const { title, format } = ctx.options;
  const source = reportSource.parse(payload);
  const groupBy = ctx.options.groupBy === undefined ? [] : [ctx.options.groupBy].flat();
  const measures = labelled(ctx.options.measures.map(measureOf), groupBy);
  const grouping = new Grouping(groupBy, measures);
  let skipped = 0;
  let firstFault: string | null = null;
  for await (const block of rowsOf(source, ctx.services)) {
    ctx.signal.throwIfAborted();
    for (const { record, fault } of block) {
      if (record !== null) grouping.add(record);
      else {
        skipped++;
        firstFault ??= fault;
      }
    }
  }
  if (grouping.total.rows === 0)
    throw new OperationError(
      `There is no row to report on${skipped === 0 ? "" : `; ${skipped} could not be read, the first: ${firstFault}`}`,
      { code: "empty_report", category: "data" },
    );

  const notes = notesOn(grouping, skipped, firstFault);
  const name = `${
    title
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "report"
  }.${format}`;
  const bytes =
    format === "csv"
      ? writeCsv(csvRows(grouping, groupBy, measures))
      : encoded(
          page({ title, source: phraseOf(source), madeAt: new Date(ctx.services.now()).toISOString(), groupBy, measures, notes }, grouping),
        );
  const file = await ctx.services.files.save(bytes, {
    name,
    contentType: format === "csv" ? "text/csv; charset=utf-8" : "text/html; charset=utf-8",
    purpose: "report",
  });
  return { result: { file_id: file.id, rows: grouping.total.rows, groups: groupBy.length === 0 ? 1 : grouping.groups.size, skipped } };
}

/** Heads must differ from each other and from the grouping fields, or a column would hide another. */
function labelled(measures: readonly Measure[], groupBy: readonly string[]): Measure[] {
  const taken = new Set(groupBy);
  return measures.map((measure) => {
    let { label } = measure;
    for (let n = 2; taken.has(label); n++) label = `${measure.label} (${n})`;
    taken.add(label);
    return { ...measure, label };
  });
}

function notesOn(grouping: Grouping, skipped: number, firstFault: string | null): string[] {
  const notes: string[] = [];
  if (skipped > 0)
    notes.push(
      `${skipped} ${skipped === 1 ? "row" : "rows"} could not be read and ${skipped === 1 ? "is" : "are"} not counted; the first: ${firstFault}`,
    );
  if (grouping.overflowed > 0)
    notes.push(`There are more than ${MAX_GROUPS} groups; ${grouping.overflowed} rows of the further ones are together in (other)`);
  for (const [field, { dirty, empty, numbers }] of grouping.total.fields) {
    if (dirty > 0)
      notes.push(
        `${field}: ${dirty} ${dirty === 1 ? "value is" : "values are"} not a number and left out, such as ${grouping.dirtyExamples
          .get(field)!
          .map((text) => `“${text}”`)
          .join(", ")}`,
      );
    if (empty > 0)
      notes.push(`${field}: ${empty} of ${grouping.total.rows} rows have no value; the measures are over the other ${numbers}`);
  }
  if ([...grouping.total.fields.values()].some(({ approximate }) => approximate))
    notes.push(`Percentiles of more than ${EXACT_VALUES} values are within 1 % of the exact value; those of fewer are exact`);
  return notes;
}

async function* csvRows(
  grouping: Grouping,
  groupBy: readonly string[],
  measures: readonly Measure[],
): AsyncGenerator<Record<string, unknown>[]> {
  const dirtyFields = [...grouping.total.fields].filter(([, { dirty }]) => dirty > 0).map(([field]) => field);
  yield sortedGroups(grouping, measures).map((group) => {
    const row: Record<string, unknown> = {};
    groupBy.forEach((field, index) => (row[field] = group.labels[index]));
    for (const measure of measures) row[measure.label] = valueOf(group, measure);
    for (const field of dirtyFields) row[`${field}: not a number`] = group.fields.get(field)!.dirty;
    return row;
  });
}

async function* encoded(texts: Iterable<string>): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

function phraseOf(source: ReportSource): string {
  if (!("collection" in source)) return source.inline === true ? "Items of the request" : `File ${source.file_id}`;
  const filters = Object.entries(source.filters).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return `Collection ${source.collection}${filters.length === 0 ? "" : ` where ${filters.join(", ")}`}`;
}
