import { duration } from "../../figures/duration.ts";
import { count } from "../../figures/number.ts";
import type { Look, Tone } from "../../parts/states.ts";
import type { Alert, Rule } from "./queries.ts";

export const SEVERITY_LOOK: Readonly<Record<Alert["severity"], Look>> = {
  critical: { word: "Critical", icon: "cross", tone: "bad" },
  high: { word: "High", icon: "warning", tone: "bad" },
  medium: { word: "Medium", icon: "warning", tone: "warn" },
  low: { word: "Low", icon: "bell", tone: "idle" },
};

export const SEVERITIES = Object.keys(SEVERITY_LOOK) as Alert["severity"][];

export function toneOf(severity: Alert["severity"]): Tone {
  return SEVERITY_LOOK[severity].tone;
}

type Measured = Pick<Rule, "unit" | "breach">;

const WORDS: Readonly<Record<Rule["breach"], string>> = { above: ">", atLeast: "≥", below: "<", atMost: "≤" };
const SAID: Readonly<Record<Rule["breach"], string>> = { above: "more than", atLeast: "at least", below: "less than", atMost: "at most" };

/** A value in the unit of its rule: "12.5 %", "3 min 20 s", "0.3 an hour", "4". */
export function measured(value: number, unit: string): string {
  const rounded = Math.round(value * 100) / 100;
  if (unit === "percent") return `${rounded} %`;
  if (unit === "ms") return duration(value);
  if (unit === "per hour") return `${rounded} an hour`;
  return count(value);
}

/** "> 10 %" */
export function limit(threshold: number, { unit, breach }: Measured): string {
  return `${WORDS[breach]} ${measured(threshold, unit)}`;
}

export function breachWord(breach: Rule["breach"]): string {
  return SAID[breach];
}

/** What an instance is about: "operation:import" → "import"; "" → "everything". */
export function aboutOf(instance: string): { kind: string; name: string } {
  const [kind = "", ...rest] = instance.split(":");
  return rest.length === 0 ? { kind: "", name: "everything" } : { kind, name: rest.join(":") };
}
