import { InvalidArgumentError, Option } from "commander";

/** Parsers of command line values; a wrong one ends in a usage error that names what is allowed. */

export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

export function jsonObject(value: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    throw new InvalidArgumentError(
      `It must be JSON, for example '{"batchSize":100}' (${error instanceof Error ? error.message : "not JSON"}).`,
    );
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new InvalidArgumentError("It must be a JSON object.");
  return parsed as Record<string, unknown>;
}

/** `3d`, `12h`, `30m` or an ISO 8601 time, as ISO 8601; spans count from now, `direction` says which way. */
export function instant(direction: "past" | "future"): (value: string) => string {
  return (value) => {
    const span = /^(\d{1,6})([smhdw])$/.exec(value);
    if (span !== null) {
      const ms =
        Number(span[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[span[2] as "s" | "m" | "h" | "d" | "w"];
      return new Date(Date.now() + (direction === "past" ? -ms : ms)).toISOString();
    }
    const at = /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(at)) throw new InvalidArgumentError("It must be a span such as 12h or 7d, or a time such as 2026-01-31T12:00:00Z.");
    return new Date(at).toISOString();
  };
}

export function repeatable(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

export const jsonOption = (): Option => new Option("--json", "machine-readable output");
export const priorityOption = (): Option =>
  new Option("--priority <priority>", "how soon it runs").choices(["low", "normal", "high", "critical"]);
export const exportFormatOption = (): Option => new Option("--format <format>", "format of the results").choices(["jsonl", "csv", "xlsx"]);
export const inputFormatOption = (): Option =>
  new Option("--input-format <format>", "format of the input (default: by the file's name, else jsonl)").choices([
    "jsonl",
    "csv",
    "json",
    "xlsx",
  ]);
