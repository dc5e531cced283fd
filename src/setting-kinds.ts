import { Cron } from "croner";
import { z } from "zod";

/** Kinds of settings: what each takes, as a schema of its text and as the sentence that names the cure. */
export interface Setting<T> {
  readonly schema: z.ZodType<T, string>;
  readonly allowed: string;
  readonly fallback: T;
  readonly secret: boolean;
  /** Of a number; else null. */
  readonly range: { min: number; max: number; whole: boolean } | null;
}

function setting<T>(schema: z.ZodType<T, string>, allowed: string, fallback: T, secret = false): Setting<T> {
  return { schema, allowed: `allowed: ${allowed}`, fallback, secret, range: null };
}

export function whole(min: number, max: number, fallback: number): Setting<number> {
  const schema = z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number)
    .pipe(z.number().int().min(min).max(max));
  return { ...setting(schema, `a whole number from ${min} to ${max}`, fallback), range: { min, max, whole: true } };
}

export function decimal(min: number, max: number, fallback: number): Setting<number> {
  const schema = z
    .string()
    .regex(/^-?(\d+\.?\d*|\.\d+)$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
  return { ...setting(schema, `a number from ${min} to ${max}`, fallback), range: { min, max, whole: false } };
}

export function choice<const C extends readonly string[]>(words: C, fallback: C[number]): Setting<C[number]> {
  return setting(z.string().pipe(z.enum(words)), words.join(", "), fallback);
}

export function upperChoice<const C extends readonly string[]>(words: C, fallback: C[number]): Setting<C[number]> {
  return setting(
    z
      .string()
      .transform((word) => word.toUpperCase())
      .pipe(z.enum(words)),
    words.join(", "),
    fallback,
  );
}

export function flag(fallback: boolean): Setting<boolean> {
  return setting(
    z
      .string()
      .toLowerCase()
      .pipe(z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0"] })),
    "true or false",
    fallback,
  );
}

export function text(fallback: string): Setting<string> {
  return setting(z.string().max(4096), "a text of at most 4096 characters", fallback);
}

export function words(fallback: readonly string[]): Setting<readonly string[]> {
  const schema = z.string().transform((list) =>
    list
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  );
  return setting<readonly string[]>(schema.pipe(z.array(z.string()).min(1)), "words separated by commas", fallback);
}

const MOST_WEIGHT = 1_000;
const weightOf = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .pipe(z.number().int().min(1).max(MOST_WEIGHT));

/** So many whole numbers, none smaller than the one before. */
export function risingWeights(fallback: readonly number[]): Setting<readonly number[]> {
  const { schema } = words([]);
  const rising = z
    .array(weightOf)
    .length(fallback.length)
    .refine((weights) => weights.every((weight, i) => i === 0 || weight >= weights[i - 1]!));
  return setting<readonly number[]>(
    schema.pipe(rising),
    `${fallback.length} whole numbers from 1 to ${MOST_WEIGHT} separated by commas, none smaller than the one before it`,
    fallback,
  );
}

/** `acme=3,beta=2`. */
export function namedWeights(): Setting<readonly (readonly [name: string, weight: number])[]> {
  const { schema } = words([]);
  const pair = z
    .string()
    .regex(/^[^=]+=[^=]+$/)
    .transform((text) => text.split("=").map((part) => part.trim()))
    .pipe(z.tuple([z.string().min(1), weightOf]));
  return setting<readonly (readonly [string, number])[]>(
    schema.pipe(z.array(pair)),
    `name=weight pairs separated by commas, each weight a whole number from 1 to ${MOST_WEIGHT}`,
    [],
  );
}

const ORIGIN = /^https?:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/;
const MOST_ORIGINS = 50;

/** They go into a header as they are, so nothing but scheme, host and port is let through. */
export function origins(): Setting<readonly string[]> {
  const origin = z
    .string()
    .toLowerCase()
    .refine((value) => ORIGIN.test(value) && URL.canParse(value));
  const { schema } = words([]);
  return setting<readonly string[]>(
    schema.pipe(z.array(origin).max(MOST_ORIGINS)),
    `at most ${MOST_ORIGINS} origins separated by commas, each http:// or https:// with a host, with or without a port, nothing behind it`,
    [],
  );
}

export function optionalText(maxLength: number): Setting<string | null> {
  const schema = z
    .string()
    .max(maxLength)
    .transform((value): string | null => value);
  return setting<string | null>(schema, `a text of at most ${maxLength} characters`, null);
}

export function cron(fallback: string): Setting<string> {
  return setting(z.string().refine(isCron), "a cron expression such as '*/5 * * * *'", fallback);
}

function isCron(expression: string): boolean {
  try {
    new Cron(expression, { paused: true });
    return true;
  } catch {
    return false;
  }
}

export function optionalUrl(...protocols: string[]): Setting<string | null> {
  const schema = z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))
    .transform((value): string | null => value);
  return setting<string | null>(schema, `a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`, null, true);
}

export function traceUrl(): Setting<string | null> {
  const schema = z
    .string()
    .refine((value) => /^https?:\/\//.test(value) && value.includes("{traceId}") && URL.canParse(value.replaceAll("{traceId}", "0")))
    .transform((value): string | null => value);
  return setting<string | null>(schema, "an http or https URL that contains {traceId}", null);
}

export function optionalSecret(minLength: number): Setting<string | null> {
  const schema = z
    .string()
    .min(minLength)
    .max(512)
    .regex(/^[\x21-\x7e]+$/)
    .transform((value): string | null => value);
  return setting<string | null>(schema, `at least ${minLength} visible ASCII characters without blanks`, null, true);
}
