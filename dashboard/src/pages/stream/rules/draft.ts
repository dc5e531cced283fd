import type { PreviewRequest } from "batchyard/client";
import type { Definition } from "../../../data/streams.ts";
import { RULE_FIELDS, ruleOf, type RuleField } from "../../../streams/rule-fields.tsx";

/** What was typed for each rule; empty = no such rule. */
export type RuleDraft = Readonly<Record<RuleField["name"], string>>;
/** Rules as the server takes them; null takes one away. */
export type RuleChanges = Pick<NonNullable<PreviewRequest>, RuleField["name"]>;

/** A change of more than this share has to be previewed first. */
export const PREVIEWED_FROM = 0.2;

export function draftOf(rules: Readonly<Record<string, unknown>>): RuleDraft {
  const text = (value: unknown): string => (typeof value === "number" || typeof value === "string" ? String(value) : "");
  return Object.fromEntries(RULE_FIELDS.map(({ name }) => [name, text(rules[name])])) as RuleDraft;
}

/** What a draft would change, and nothing else. */
export function changesOf(definition: Definition, draft: RuleDraft): RuleChanges {
  const typed = RULE_FIELDS.map((field) => [field.name, ruleOf(field, draft[field.name])] as const);
  return Object.fromEntries(typed.filter(([name, value]) => value !== (definition[name] ?? null)));
}

/** By how much the limit changes that changes most, as a share of what it was; a rule that comes or goes is a whole change. */
export function largestChange(definition: Definition, changes: RuleChanges): number {
  const shares = Object.entries(changes).map(([name, value]) => {
    const before = definition[name];
    return typeof value === "number" && typeof before === "number" && before > 0 ? Math.abs(value / before - 1) : 1;
  });
  return Math.max(0, ...shares);
}

const STEPS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4] as const;

/**
 * One setting at values from a quarter to four times of what it is in the draft, as far as the other rules let it; null where there
 * is none to vary.
 */
export function sweepOf(definition: Definition, changes: RuleChanges): { setting: string; values: number[] } | null {
  const now = { ...definition, ...changes };
  const number = (value: unknown): number | null => (typeof value === "number" && value > 0 ? value : null);
  const [window, idle, items, least] = [now.windowSeconds, now.idleTimeoutSeconds, now.maxItems, now.minItems].map(number);
  const base = window ?? idle ?? items ?? null;
  if (base === null) return null;
  const setting = window === base ? "windowSeconds" : idle === base ? "idleTimeoutSeconds" : "maxItems";
  const above = setting === "windowSeconds" ? (idle ?? 0) : setting === "maxItems" ? (least ?? 1) - 1 : 0;
  const longest = number(now.maxWaitSeconds) ?? Infinity;
  const values = STEPS.map((step) =>
    setting === "maxItems" || base * step >= 10 ? Math.round(base * step) : Math.round(base * step * 1000) / 1000,
  );
  const possible = [...new Set(values)].filter((value) => value > above && (setting !== "windowSeconds" || value <= longest));
  return possible.length < 2 ? null : { setting, values: possible };
}
