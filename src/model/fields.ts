import { z } from "zod";

/** The building blocks of the HTTP contract. Each says its bounds in its message, so that a client reads the cure with the fault. */

/** A whole number; anything else that is a number is `out_of_range`, anything that is not is `invalid_type`. */
export function whole(min: number, max: number): z.ZodNumber {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number().int({ error }).min(min, { error }).max(max, { error });
}

export function decimal(min: number, max: number): z.ZodNumber {
  const error = `must be a number from ${min} to ${max}`;
  return z.number().min(min, { error }).max(max, { error });
}

export function text(min: number, max: number): z.ZodString {
  const error = `must have ${min} to ${max} characters`;
  return z.string().min(min, { error }).max(max, { error });
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Unix milliseconds of an ISO 8601 date or time with zone; NaN when there is no such day. */
export function instantMs(value: string): number {
  if (!INSTANT.test(value)) return Number.NaN;
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== value.slice(0, 10)) return Number.NaN;
  return Date.parse(value);
}

/** ISO 8601: `2026-01-31T12:00:00Z`, or a date (its start in UTC). */
export function instant() {
  return z
    .string()
    .refine((value) => !Number.isNaN(instantMs(value)), {
      error: "must be an ISO 8601 time with zone such as 2026-01-31T12:00:00Z, or a date such as 2026-01-31",
      params: { code: "invalid_date" },
    })
    .meta({ format: "date-time" });
}

/** Collections are made by writing to them; this is what their names may be. */
export const collectionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, {
  error: "must be 1 to 128 letters, digits, '_', '-' or '.', and start with a letter or digit",
});

export const record = z.record(z.string(), z.unknown());
export const time = z.string().meta({ format: "date-time", description: "ISO 8601 UTC" });
export const yes = z.literal(true);

/** The body of an action that takes nothing: an empty body or `{}`. */
export const nothing = z.strictObject({}).optional();
