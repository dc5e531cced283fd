import type { AlertFrequency, Compare } from "../../model/alert.ts";
import { iso } from "../../model/clock.ts";
import type { AlertEpisode, AlertLine } from "../../store/alerts.ts";
import type { OutboxDraft } from "../../store/openai-batches.ts";
import { ALERT_KINDS, type AlertKindName, type Unit } from "./catalogue.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A channel gets at most so many messages at once in a window; the rest of it comes in one at its end. */
export const LIMIT_MESSAGES = 20;
export const LIMIT_WINDOW_MS = 10 * 60_000;
/** Lines that one digest spells out; its counts are of all. */
const DIGEST_LINES = 100;

const WORDS: Record<Compare, string> = { above: "more than", atLeast: "at least", below: "less than", atMost: "at most" };

/** One sentence: what is so, of what, and what is allowed. */
export function sentenceOf(kind: AlertKindName, instance: string, value: number, threshold: number): string {
  const { compare, unit } = ALERT_KINDS[kind];
  const about = instance === "" ? "" : ` (${instance})`;
  return `${kind}${about} is ${figure(value, unit)}: ${WORDS[compare]} ${figure(threshold, unit)}`;
}

function figure(value: number, unit: Unit): string {
  const text = String(Number(value.toPrecision(15)));
  switch (unit) {
    case "percent":
      return `${String(Math.round(value * 1000) / 1000)} %`;
    case "ms":
      return `${text} ms`;
    case "per hour":
      return `${String(Math.round(value * 1000) / 1000)} per hour`;
    case "count":
      return text;
  }
}

/** The same whenever it is made. */
export function noticeKey({ id }: AlertEpisode, end: "opening" | "resolving"): string {
  return `alert:${id}:${end}`;
}

/** What is told of one end of an episode. */
export function noticeOf(episode: AlertEpisode, end: "opening" | "resolving"): { key: string; subject: string; body: string } {
  const firing = end === "opening";
  const { id, rule, kind, instance, severity, value, worst, threshold, message } = episode;
  return {
    key: noticeKey(episode, end),
    subject: `${firing ? `Alert (${severity})` : "Resolved"}: ${message}`,
    body: JSON.stringify({
      type: firing ? "alert.firing" : "alert.resolved",
      alert: id,
      rule,
      kind,
      instance,
      severity,
      value,
      worst,
      threshold,
      message,
      opened_at: iso(episode.openedAt),
      resolved_at: iso(episode.resolvedAt),
    }),
  };
}

/** The end of the hour or day (UTC) that `at` is in, or of the window that has had its messages. */
export function dueAt(frequency: AlertFrequency, at: number): number {
  const width = frequency === "daily" ? DAY_MS : frequency === "hourly" ? HOUR_MS : LIMIT_WINDOW_MS;
  return at - (at % width) + width;
}

/** One message a channel, frequency and time out of the lines that are due. */
export function digestsOf(tenant: string, lines: readonly (AlertLine & { id: number })[]): OutboxDraft[] {
  const groups = Map.groupBy(lines, ({ channel, frequency, dueAt: due }) => JSON.stringify([channel, frequency, due]));
  return [...groups.values()].map((group): OutboxDraft => {
    const { id, channel, frequency, dueAt: due } = group[0]!;
    const alerts = group.map(({ body }) => JSON.parse(body) as { type: string });
    const opened = alerts.filter(({ type }) => type === "alert.firing").length;
    const resolved = alerts.length - opened;
    return {
      channel,
      // By its first line: after the clock was set back the same time is due again, with other lines.
      dedupeKey: `alert-digest:${tenant}:${frequency}:${due}:${channel}:${id}`,
      subject: `Alerts (${frequency === "immediate" ? "held back, there were many" : frequency}): ${opened} opened, ${resolved} resolved`,
      body: JSON.stringify({
        type: "alert.digest",
        frequency,
        until: iso(due),
        opened,
        resolved,
        lines: group.slice(0, DIGEST_LINES).map(({ subject }) => subject),
        alerts: alerts.slice(0, DIGEST_LINES),
      }),
    };
  });
}
