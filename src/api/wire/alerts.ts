import type { z } from "zod";
import { ALERT_KINDS } from "../../monitor/alerts/catalogue.ts";
import type { BackTest } from "../../monitor/alerts/back-test.ts";
import type { AlertRule } from "../../monitor/alerts/rule.ts";
import type { ChannelView } from "../../monitor/notify/channels.ts";
import type { AlertEpisode, AlertSilence, AlertStateRow, RuleNoise } from "../../store/alerts.ts";
import type { ChannelDelivery } from "../../store/channels.ts";
import type * as contract from "../contract/alerts.ts";
import { round } from "./batch.ts";

const HOUR_MS = 3_600_000;
const MAX_EPISODES = 100;
const isoOf = (ms: number): string => new Date(ms).toISOString();

/** `states`: of the alerts that are not calm. */
export function wireAlert(episode: AlertEpisode, states: readonly AlertStateRow[]): contract.WireAlert {
  const state = states.find((row) => row.episode === episode.id)?.state;
  const { id, rule, kind, instance, severity, value, worst, threshold, message, channels, note } = episode;
  return {
    id,
    rule,
    kind,
    instance,
    severity,
    state: episode.resolvedAt !== null ? "resolved" : state?.phase === "recovering" ? "recovering" : "firing",
    nodata: state?.nodata ?? false,
    silenced: state?.silenced ?? false,
    inhibited: state?.inhibited ?? false,
    acknowledged: episode.ackedAt !== null,
    value,
    worst,
    threshold,
    message,
    openedAt: isoOf(episode.openedAt),
    resolvedAt: episode.resolvedAt === null ? null : isoOf(episode.resolvedAt),
    channels,
    acknowledgedAt: episode.ackedAt === null ? null : isoOf(episode.ackedAt),
    acknowledgedBy: episode.ackedBy,
    note,
  };
}

export function wireChannel({ off, ...channel }: ChannelView) {
  return { ...channel, off: off === null ? null : { since: isoOf(off.since), reason: off.reason } };
}

export function wireSilence({ id, rule, instance, from, until, by, comment }: AlertSilence) {
  return { id, rule, instance, from: isoOf(from), until: isoOf(until), by, comment };
}

export function wireRule(rule: AlertRule) {
  const { measures, unit, compare } = ALERT_KINDS[rule.kind];
  const { name, kind, threshold, severity, frequency, channels, instances, enabled, saved, recommended } = rule;
  return {
    name,
    kind,
    measures,
    unit,
    breach: compare,
    threshold,
    thresholdFrom: rule.ownThreshold ? ("rule" as const) : ("settings" as const),
    forSeconds: rule.forMs / 1000,
    keepSeconds: rule.keepMs / 1000,
    severity,
    frequency,
    channels,
    instances,
    enabled,
    changed: saved,
    recommended,
  };
}

export function wireNoise(days: number, noise: RuleNoise | undefined) {
  const { episodes = 0, told = 0, lastOpenedAt } = noise ?? {};
  return { days, episodes, told, lastOpenedAt: lastOpenedAt === undefined ? null : isoOf(lastOpenedAt) };
}

export function wireDelivery({ last, waiting, givenUp }: ChannelDelivery) {
  return {
    last:
      last === null
        ? null
        : {
            at: isoOf(last.createdAt),
            arrivedAt: last.deliveredAt === null ? null : isoOf(last.deliveredAt),
            error: last.deliveredAt === null ? last.error : null,
            tries: last.tries,
          },
    waiting,
    givenUp,
  };
}

export function wireBackTest({
  from,
  to,
  coveredMs,
  covered,
  episodes,
  notifications,
}: BackTest): z.output<typeof contract.ruleTriedAnswer>["wouldHave"] {
  const firingMs = episodes.reduce((sum, { openedAt, resolvedAt }) => sum + (resolvedAt ?? to) - openedAt, 0);
  return {
    from: isoOf(from),
    to: isoOf(to),
    coveredFrom: covered === null ? null : isoOf(covered.from),
    coveredTo: covered === null ? null : isoOf(covered.to),
    coveredHours: round(coveredMs / HOUR_MS, 2),
    notifications,
    firingHours: round(firingMs / HOUR_MS, 2),
    episodes: episodes.slice(-MAX_EPISODES).map(({ instance, openedAt, resolvedAt, worst }) => ({
      instance,
      openedAt: isoOf(openedAt),
      resolvedAt: resolvedAt === null ? null : isoOf(resolvedAt),
      worst,
    })),
    more: Math.max(0, episodes.length - MAX_EPISODES),
  };
}
