import { z } from "zod";
import { ALERT_FREQUENCIES, ALERT_PHASES, ALERT_SEVERITIES } from "../../model/alert.ts";
import { decimal, instant, text, time, whole, yes } from "../../model/fields.ts";
import { ALERT_KIND_NAMES } from "../../monitor/alerts/catalogue.ts";
import { ruleBody } from "../../monitor/alerts/rule.ts";
import { channelSettings } from "../../monitor/notify/channels.ts";

const number = z.number();
const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,99}$/, {
  error: "must be 1 to 100 letters, digits, '_', '-' or '.', and start with a letter",
});
const channelNames = z.array(text(1, 100)).max(20);

export const alertSettingsBody = z.strictObject({
  errorRateThreshold: decimal(0, 100).optional().meta({ description: "Percent" }),
  processingTimeThreshold: whole(1, 31_536_000).optional().meta({ description: "Seconds" }),
  notificationChannels: channelNames.optional().meta({ description: "Who is told of rules that name no channels" }),
  alertSuppression: whole(0, 10_080)
    .optional()
    .meta({ description: "Minutes after the end of an alert in which the same one is not told again; 0 = none" }),
});

const settings = z.object({
  errorRateThreshold: number,
  processingTimeThreshold: number,
  notificationChannels: z.array(z.string()),
  alertSuppression: number,
});

const alert = z.object({
  id: z.string(),
  rule: z.string(),
  kind: z.string(),
  instance: z.string(),
  severity: z.enum(ALERT_SEVERITIES),
  state: z.enum(["firing", "recovering", "resolved"]),
  nodata: z.boolean(),
  silenced: z.boolean(),
  inhibited: z.boolean(),
  acknowledged: z.boolean(),
  value: number,
  worst: number,
  threshold: number,
  message: z.string(),
  openedAt: time,
  resolvedAt: time.nullable(),
  channels: z.array(z.string()).nullable().meta({ description: "Who was told; null = nobody yet" }),
  acknowledgedAt: time.nullable(),
  acknowledgedBy: z.string().nullable(),
  note: z.string().nullable(),
});
export type WireAlert = z.output<typeof alert>;

const standing = z.object({
  firing: z.int().meta({ description: "Open and not silenced" }),
  critical: z.int().meta({ description: "Of these, those of the severity critical" }),
  silenced: z.int().meta({ description: "Open and silenced" }),
  pending: z.int().meta({ description: "Met, but not for long enough" }),
});
export const standingAnswer = z.object({ success: yes, alerts: standing });

export const alertsQuery = z.strictObject({
  state: z.enum(["open", "resolved", "all"]).default("all"),
  limit: whole(1, 200).default(50),
  cursor: text(1, 200).optional(),
});
export const alertsAnswer = z.object({
  success: yes,
  data: z.object({
    settings,
    counts: standing,
    alerts: z.array(alert),
    pending: z.array(
      z.object({ rule: z.string(), instance: z.string(), state: z.enum(ALERT_PHASES), value: number.nullable(), since: time }),
    ),
    next: z.string().nullable(),
  }),
});
export const alertSettingsAnswer = z.object({ success: yes, data: settings });
export const alertParams = z.strictObject({ id: text(1, 100) });
export const ackBody = z.strictObject({ note: text(1, 1_000).optional() }).optional();
export const ackAnswer = z.object({ success: yes, data: alert });

const silence = z.object({
  id: z.string(),
  rule: z.string().nullable(),
  instance: z.string().nullable(),
  from: time,
  until: time,
  by: z.string(),
  comment: z.string().nullable(),
});
export const silenceBody = z
  .strictObject({
    rule: name.optional().meta({ description: "Every rule when absent" }),
    instance: text(1, 300).optional().meta({ description: "Such as operation:import; everything when absent" }),
    from: instant().optional().meta({ description: "Now when absent" }),
    until: instant().optional(),
    minutes: whole(1, 525_600).optional().meta({ description: "Instead of until" }),
    comment: text(1, 1_000).optional(),
  })
  .refine(({ until, minutes }) => (until === undefined) !== (minutes === undefined), { error: "give until or minutes", path: ["until"] });
export const silencesAnswer = z.object({ success: yes, silences: z.array(silence) });
export const silenceAnswer = z.object({ success: yes, silence });

const rule = z.object({
  name: z.string(),
  kind: z.enum(ALERT_KIND_NAMES),
  measures: z.string(),
  unit: z.string(),
  breach: z.enum(["above", "atLeast", "below", "atMost"]),
  threshold: number,
  thresholdFrom: z.enum(["rule", "settings"]),
  forSeconds: number,
  keepSeconds: number,
  severity: z.enum(ALERT_SEVERITIES),
  frequency: z.enum(ALERT_FREQUENCIES),
  channels: z.array(z.string()).nullable(),
  instances: z.array(z.string()).nullable(),
  enabled: z.boolean(),
  changed: z.boolean().meta({ description: "It is not as it is at first" }),
  recommended: z.boolean().meta({ description: "It is on unless somebody turns it off" }),
});
const noise = z.object({
  days: number,
  episodes: z.int().meta({ description: "Times it opened in these days" }),
  told: z.int().meta({ description: "Of these, times somebody was told" }),
  lastOpenedAt: time.nullable(),
});
const tried = z.object({
  from: time,
  to: time,
  coveredFrom: time.nullable().meta({ description: "First look of it; null = nobody looked" }),
  coveredTo: time.nullable().meta({ description: "Last look of it" }),
  coveredHours: number.meta({ description: "Hours of it in which the figures were looked at" }),
  notifications: number.meta({ description: "Openings and endings that each channel would have been told of" }),
  firingHours: number,
  episodes: z.array(z.object({ instance: z.string(), openedAt: time, resolvedAt: time.nullable(), worst: number })),
  more: number.meta({ description: "Episodes beyond those listed" }),
});
export const ruleParams = z.strictObject({ name });
export const ruleRequest = ruleBody.extend({ name });
export const rulesAnswer = z.object({ success: yes, rules: z.array(rule.extend({ noise })) });
export const recommendedAnswer = z.object({ success: yes, enabled: z.array(z.string()).meta({ description: "Rules that were off" }) });
export const ruleSavedAnswer = z.object({ success: yes, rule, wouldHave: tried });
export const ruleTriedAnswer = z.object({ success: yes, wouldHave: tried });

const channel = z.object({
  name: z.string(),
  kind: z.enum(["log", "webhook", "slack", "email"]),
  target: z.string(),
  from: z.enum(["built-in", "config", "api"]),
  off: z
    .object({ since: time, reason: z.string() })
    .nullable()
    .meta({ description: "Its receiver said that it is gone: nothing goes to it until it is saved again or a test arrives" }),
});
export const channelBody = channelSettings;
const delivery = z.object({
  last: z
    .object({ at: time, arrivedAt: time.nullable(), error: z.string().nullable(), tries: z.int() })
    .nullable()
    .meta({ description: "The newest message that was tried; null = none was yet" }),
  waiting: z.int().meta({ description: "Messages that have not arrived and are tried again" }),
  givenUp: z.int().meta({ description: "Messages that were tried to the end" }),
});
export const channelsAnswer = z.object({ success: yes, channels: z.array(channel.extend(delivery.shape)) });
export const channelAnswer = z.object({ success: yes, channel });
export const channelTestAnswer = z.object({
  success: z.boolean().meta({ description: "Whether it arrived" }),
  error: z.string().nullable(),
});
export const goneAnswer = z.object({ success: yes });
