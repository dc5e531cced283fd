import { createHash } from "node:crypto";
import { calmAlert, lookAtAlert, type AlertEffect, type AlertReading, type AlertState } from "../../model/alert.ts";
import type { AlertSample } from "../../store/alerts.ts";
import { ALERT_KINDS, breaches, isFurther } from "./catalogue.ts";
import type { AlertRule } from "./rule.ts";

/** What is measured of one thing; it holds until the next measure of it. */
export type Measure = Pick<AlertSample, "instance" | "shape" | "number">;

export interface Looked {
  instance: string;
  before: AlertState;
  state: AlertState;
  effects: AlertEffect[];
}

/**
 * One rule at one tick: the live evaluator and the back-test both go through here. What has a state and
 * no measure is gone.
 */
export function lookAtRule(
  rule: AlertRule,
  at: number,
  measures: ReadonlyMap<string, Measure>,
  states: ReadonlyMap<string, AlertState>,
  flags: (instance: string) => { silenced: boolean; inhibited: boolean },
): Looked[] {
  const { compare } = ALERT_KINDS[rule.kind];
  const further = isFurther(compare);
  const isCovered = (instance: string): boolean => rule.instances === null || rule.instances.includes(instance);
  const instances = new Set([...states.keys(), ...[...measures.keys()].filter(isCovered)]);
  return [...instances].map((instance) => {
    const before = states.get(instance) ?? calmAlert();
    // What the rule was narrowed away from is gone for it.
    const measure = isCovered(instance) ? measures.get(instance) : undefined;
    const look = { at, reading: readingOf(rule, at, measure), ...flags(instance) };
    return { instance, before, ...lookAtAlert(before, look, rule, further) };
  });
}

function readingOf(rule: AlertRule, at: number, measure: Measure | undefined): AlertReading {
  if (measure === undefined || measure.shape === "gone") return { kind: "gone" };
  if (measure.shape === "nodata") return { kind: "nodata" };
  const value = valueAt(measure, at);
  return { kind: "value", value, breached: breaches(ALERT_KINDS[rule.kind].compare, value, rule.threshold) };
}

export function valueAt({ shape, number }: Pick<Measure, "shape" | "number">, at: number): number {
  return shape === "since" ? Math.max(0, at - number) : shape === "until" ? number - at : number;
}

/**
 * The same whenever it is worked out, so that a look that is repeated after a crash opens the same episode. `again`: which one of those
 * that opened at this time it is, 0 the first; there are more when the clock was set back.
 */
export function episodeId(tenant: string, rule: string, instance: string, openedAt: number, again = 0): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([tenant, rule, instance, openedAt, ...(again === 0 ? [] : [again])]))
    .digest("hex");
  return `alert_${digest.slice(0, 24)}`;
}

/** An alert that is calm is as one that was never looked at. */
export function isCalm(state: AlertState): boolean {
  return state.phase === "normal" || state.phase === "resolved";
}
