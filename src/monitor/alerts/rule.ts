import { z } from "zod";
import { ALERT_FREQUENCIES, ALERT_SEVERITIES, ALERT_TICK_MS, type AlertFrequency, type AlertSeverity } from "../../model/alert.ts";
import { decimal, text, whole } from "../../model/fields.ts";
import { ALERT_KIND_NAMES, ALERT_KINDS, isAlertKind, type AlertKindName, type ThresholdSettings } from "./catalogue.ts";

const DAY_SECONDS = 86_400;

/** A rule as it is saved: what is left out, or null, is as the catalogue has it for its kind. */
const ruleFields = z.strictObject({
  threshold: decimal(-1e15, 1e15).nullable().optional(),
  forSeconds: whole(0, DAY_SECONDS)
    .nullable()
    .optional()
    .meta({ description: "How long a breach lasts before it fires; counts in whole looks, 15 seconds each" }),
  keepSeconds: whole(0, DAY_SECONDS)
    .nullable()
    .optional()
    .meta({ description: "How long a recovery lasts before it resolves; counts in whole looks, 15 seconds each" }),
  severity: z.enum(ALERT_SEVERITIES).nullable().optional(),
  frequency: z.enum(ALERT_FREQUENCIES).nullable().optional(),
  channels: z
    .array(text(1, 100))
    .max(20)
    .nullable()
    .optional()
    .meta({ description: "Names; [] = nobody is told; null = the default channels" }),
  instances: z
    .array(text(0, 300))
    .min(1)
    .max(200)
    .nullable()
    .optional()
    .meta({ description: "Only these, such as operation:import; null = all" }),
  enabled: z.boolean().nullable().optional(),
});
export const ruleBody = ruleFields.extend({ kind: z.enum(ALERT_KIND_NAMES) });
export type RuleBody = z.output<typeof ruleBody>;

/** A rule as it is in force. */
export interface AlertRule {
  name: string;
  kind: AlertKindName;
  threshold: number;
  /** The threshold is the catalogue's or the settings'. */
  ownThreshold: boolean;
  forMs: number;
  keepMs: number;
  severity: AlertSeverity;
  frequency: AlertFrequency;
  /** Null = the default channels. */
  channels: string[] | null;
  /** Null = all. */
  instances: string[] | null;
  enabled: boolean;
  /** Saved by someone, or as the catalogue has it. */
  saved: boolean;
  /** It is on unless somebody turns it off: the catalogue has it so. Never of an added rule. */
  recommended: boolean;
}

export function ruleOf(name: string, body: RuleBody, settings: ThresholdSettings, saved: boolean): AlertRule {
  const kind = ALERT_KINDS[body.kind];
  return {
    name,
    kind: body.kind,
    threshold: body.threshold ?? kind.threshold(settings),
    ownThreshold: body.threshold !== undefined && body.threshold !== null,
    forMs: inLooks(body.forSeconds ?? kind.forSeconds),
    keepMs: inLooks(body.keepSeconds ?? kind.keepSeconds),
    severity: body.severity ?? kind.severity,
    frequency: body.frequency ?? kind.frequency,
    channels: body.channels ?? null,
    instances: body.instances ?? null,
    enabled: body.enabled ?? kind.enabled,
    saved,
    recommended: name === body.kind && kind.enabled,
  };
}

/** Milliseconds of so many seconds in whole looks: what lies between two looks cannot be told apart. */
function inLooks(seconds: number): number {
  return Math.ceil((seconds * 1000) / ALERT_TICK_MS) * ALERT_TICK_MS;
}

/** The rules of the catalogue as they were changed, and those that were added; in order of their names among the added. */
export function rulesInForce(saved: readonly { name: string; body: Record<string, unknown> }[], settings: ThresholdSettings): AlertRule[] {
  const bodies = new Map(saved.flatMap(({ name, body }) => (isBody(body) ? [[name, body] as const] : [])));
  const standing = ALERT_KIND_NAMES.map((name) => ruleOf(name, { ...bodies.get(name), kind: name }, settings, bodies.has(name)));
  const added = [...bodies].filter(([name]) => !isAlertKind(name)).map(([name, body]) => ruleOf(name, body, settings, true));
  return [...standing, ...added];
}

/** A kind that a later version wrote is not known here: its rule does nothing. */
function isBody(body: Record<string, unknown>): body is RuleBody {
  return typeof body["kind"] === "string" && isAlertKind(body["kind"]);
}
