import { z } from "zod";

const MEASURES = ["count", "sum", "avg", "min", "max", "p50", "p95"] as const;
export type MeasureName = (typeof MEASURES)[number];

/** `"count"`, `"avg:IMDB Rating"` or `{measure: "avg", field: "IMDB Rating"}`. */
export const measureOption = z.union([
  z
    .string()
    .regex(
      /^(?:count|(?:sum|avg|min|max|p50|p95):.+)$/s,
      "a measure is 'count' or 'sum|avg|min|max|p50|p95:<field>', for example 'avg:price'",
    ),
  z.strictObject({ measure: z.enum(["sum", "avg", "min", "max", "p50", "p95"]), field: z.string().min(1) }),
]);

export interface Measure {
  name: MeasureName;
  /** Empty for count. */
  field: string;
  /** As a column's head, "avg IMDB Rating". */
  label: string;
}

export function measureOf(option: z.output<typeof measureOption>): Measure {
  if (typeof option !== "string") return { name: option.measure, field: option.field, label: `${option.measure} ${option.field}` };
  const colon = option.indexOf(":");
  if (colon < 0) return { name: "count", field: "", label: "count" };
  const field = option.slice(colon + 1);
  const name = MEASURES.find((known) => known === option.slice(0, colon))!;
  return { name, field, label: `${name} ${field}` };
}

const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const GROUPED = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

/** A number, a text that is one ("1,234.5", " 7 "), null for no value, undefined for a value that is no number. */
export function numberOf(value: unknown): number | null | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (value === null || value === undefined) return null;
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  if (text === "") return null;
  const number = PLAIN.test(text) ? Number(text) : GROUPED.test(text) ? Number(text.replaceAll(",", "")) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}
