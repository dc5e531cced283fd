import type { AlertFrequency, AlertSeverity, AlertState } from "../../../model/alert.ts";
import { ALERT_TICK_MS } from "../../../model/alert.ts";
import type {
  AlertEpisode,
  AlertFigures,
  AlertLine,
  AlertSample,
  AlertSilence,
  AlertSpan,
  AlertStateRow,
  AlertStep,
  AlertStore,
  RuleNoise,
} from "../../alerts.ts";
import { alertFigures } from "./alert-figures.ts";
import { alertSamples } from "./alert-samples.ts";
import { insertEvent } from "../rows/batch-row.ts";
import type { Database } from "../database/database.ts";
import { endChangedMutes } from "../failures/failure-mutes.ts";
import { insertMessage } from "../rows/outbox-row.ts";

interface RawEpisode {
  id: string;
  tenant: string;
  rule: string;
  instance: string;
  kind: string;
  severity: AlertSeverity;
  opened_at: number;
  resolved_at: number | null;
  threshold: number;
  value: number;
  worst: number;
  message: string;
  channels: string | null;
  acked_at: number | null;
  acked_by: string | null;
  note: string | null;
}

export class SqliteAlerts implements AlertStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async tenants(): Promise<string[]> {
    return this.db
      .all<{ tenant: string }>("SELECT DISTINCT tenant FROM batch_counts UNION SELECT DISTINCT tenant FROM streams ORDER BY 1")
      .map((row) => row.tenant);
  }

  // ── what people say ──

  async rules(tenant: string): Promise<{ name: string; body: Record<string, unknown> }[]> {
    return this.db
      .all<{ name: string; body: string }>("SELECT name, body FROM alert_rules WHERE tenant = ? ORDER BY name", tenant)
      .map(({ name, body }) => ({ name, body: objectOf(body) }));
  }

  async saveRule(tenant: string, name: string, body: Record<string, unknown>, now: number): Promise<void> {
    this.db.run(
      "INSERT INTO alert_rules (tenant, name, body, updated_at) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
      tenant,
      name,
      JSON.stringify(body),
      now,
    );
  }

  async removeRule(tenant: string, name: string): Promise<boolean> {
    return this.db.run("DELETE FROM alert_rules WHERE tenant = ? AND name = ?", tenant, name) > 0;
  }

  async preferences(tenant: string): Promise<Record<string, unknown>> {
    const row = this.db.get<{ body: string }>("SELECT body FROM alert_preferences WHERE tenant = ?", tenant);
    return row === undefined ? {} : objectOf(row.body);
  }

  async savePreferences(tenant: string, body: Record<string, unknown>): Promise<void> {
    this.db.run(
      "INSERT INTO alert_preferences (tenant, body) VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET body = excluded.body",
      tenant,
      JSON.stringify(body),
    );
  }

  async silences(tenant: string, now: number): Promise<AlertSilence[]> {
    return this.db.all<AlertSilence>(
      `SELECT id, tenant, rule, instance, from_at AS "from", until_at AS until, by, comment FROM alert_silences WHERE tenant = ? AND until_at > ? ORDER BY until_at, id`,
      tenant,
      now,
    );
  }

  async addSilence(silence: AlertSilence): Promise<void> {
    this.db.run(
      "INSERT INTO alert_silences (id, tenant, rule, instance, from_at, until_at, by, comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      silence.id,
      silence.tenant,
      silence.rule,
      silence.instance,
      silence.from,
      silence.until,
      silence.by,
      silence.comment,
    );
  }

  async endSilence(tenant: string, id: string, now: number): Promise<boolean> {
    return this.db.run("UPDATE alert_silences SET until_at = ? WHERE tenant = ? AND id = ? AND until_at > ?", now, tenant, id, now) > 0;
  }

  // ── alerts and episodes ──

  async states(tenant: string): Promise<AlertStateRow[]> {
    return this.db
      .all<{ rule: string; instance: string; episode: string | null; body: string }>(
        "SELECT rule, instance, episode, body FROM alert_states WHERE tenant = ? ORDER BY rule, instance",
        tenant,
      )
      .map(({ body, ...row }) => ({ ...row, state: JSON.parse(body) as AlertState }));
  }

  async episodes(
    tenant: string,
    { open, before, limit }: { open?: boolean | undefined; before: { openedAt: number; id: string } | null; limit: number },
  ): Promise<AlertEpisode[]> {
    const state = open === undefined ? "" : open ? " AND resolved_at IS NULL" : " AND resolved_at IS NOT NULL";
    // What is open is few among many that have ended.
    const along = open === true ? " INDEXED BY alert_episodes_open" : "";
    return this.db
      .all<RawEpisode>(
        `SELECT * FROM alert_episodes${along} WHERE tenant = ? AND (opened_at, id) < (?, ?)${state} ORDER BY opened_at DESC, id DESC LIMIT ?`,
        tenant,
        before?.openedAt ?? Number.MAX_SAFE_INTEGER,
        before?.id ?? "",
        limit,
      )
      .map(episodeOf);
  }

  async episode(tenant: string, id: string): Promise<AlertEpisode | null> {
    const raw = this.db.get<RawEpisode>("SELECT * FROM alert_episodes WHERE tenant = ? AND id = ?", tenant, id);
    return raw === undefined ? null : episodeOf(raw);
  }

  async open(tenant: string): Promise<{ severity: AlertSeverity; silenced: boolean; alerts: number }[]> {
    return this.db
      .all<{ severity: AlertSeverity; silenced: number; alerts: number }>(
        `SELECT e.severity, COALESCE(json_extract(s.body, '$.silenced'), 0) AS silenced, COUNT(*) AS alerts
         FROM alert_episodes e INDEXED BY alert_episodes_open
         LEFT JOIN alert_states s ON s.tenant = e.tenant AND s.rule = e.rule AND s.instance = e.instance
         WHERE e.tenant = ? AND e.resolved_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2`,
        tenant,
      )
      .map((row) => ({ ...row, silenced: row.silenced === 1 }));
  }

  async noise(tenant: string, since: number): Promise<RuleNoise[]> {
    return this.db.all<RuleNoise>(
      `SELECT rule, COUNT(*) AS episodes, COUNT(channels) AS told, MAX(opened_at) AS lastOpenedAt FROM alert_episodes INDEXED BY alert_episodes_newest
       WHERE tenant = ? AND opened_at >= ? GROUP BY rule ORDER BY rule`,
      tenant,
      since,
    );
  }

  async acknowledge(
    tenant: string,
    id: string,
    { by, note, now, event }: Parameters<AlertStore["acknowledge"]>[2],
  ): Promise<AlertEpisode | null> {
    return this.db.transaction(() => {
      const changed = this.db.run(
        "UPDATE alert_episodes SET acked_at = ?, acked_by = ?, note = ? WHERE tenant = ? AND id = ? AND resolved_at IS NULL AND acked_at IS NULL",
        now,
        by,
        note,
        tenant,
        id,
      );
      if (changed > 0) {
        this.db.run(
          "UPDATE alert_states SET body = json_set(body, '$.acknowledged', json('true')) WHERE tenant = ? AND episode = ?",
          tenant,
          id,
        );
        insertEvent(this.db, event);
      }
      const raw = this.db.get<RawEpisode>("SELECT * FROM alert_episodes WHERE tenant = ? AND id = ?", tenant, id);
      return raw === undefined ? null : episodeOf(raw);
    });
  }

  async commit(step: AlertStep): Promise<void> {
    const { tenant, at } = step;
    this.db.transaction(() => {
      this.cover(step);
      for (const { metric, instance, at: seen, shape, number } of step.samples) {
        this.db.run(
          "INSERT INTO alert_samples (tenant, metric, instance, at, shape, number) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
          tenant,
          metric,
          instance,
          seen,
          shape,
          number,
        );
      }
      for (const { rule, instance, episode, state } of step.states) {
        if (state.phase === "normal") {
          this.db.run("DELETE FROM alert_states WHERE tenant = ? AND rule = ? AND instance = ?", tenant, rule, instance);
          continue;
        }
        this.db.run(
          "INSERT INTO alert_states (tenant, rule, instance, episode, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, rule, instance) DO UPDATE SET episode = excluded.episode, body = excluded.body",
          tenant,
          rule,
          instance,
          episode,
          JSON.stringify(state),
        );
      }
      for (const episode of step.episodes) this.saveEpisode(episode);
      for (const message of step.messages) insertMessage(this.db, tenant, message, at);
      for (const line of step.lines) this.saveLine(tenant, line);
      for (const { channel, windowAt, messages } of step.sent) {
        this.db.run(
          "INSERT INTO alert_sent (tenant, window_at, channel, messages) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, window_at, channel) DO UPDATE SET messages = messages + excluded.messages",
          tenant,
          windowAt,
          channel,
          messages,
        );
      }
      for (const id of step.flushed) this.db.run("DELETE FROM alert_lines WHERE id = ?", id);
      for (const event of step.events) insertEvent(this.db, event);
    });
  }

  async dueLines(tenant: string, now: number): Promise<(AlertLine & { id: number })[]> {
    return this.db.all<AlertLine & { id: number; frequency: AlertFrequency }>(
      `SELECT id, channel, dedupe_key AS dedupeKey, frequency, due_at AS dueAt, subject, body FROM alert_lines WHERE tenant = ? AND due_at <= ? ORDER BY due_at, id`,
      tenant,
      now,
    );
  }

  async sent(tenant: string, windowAt: number): Promise<{ channel: string; messages: number }[]> {
    return this.db.all("SELECT channel, messages FROM alert_sent WHERE tenant = ? AND window_at = ? ORDER BY channel", tenant, windowAt);
  }

  // ── what was measured ──

  async lastLook(tenant: string): Promise<number | null> {
    return this.db.get<{ at: number | null }>("SELECT MAX(to_at) AS at FROM alert_spans WHERE tenant = ?", tenant)!.at;
  }

  async spans(tenant: string, { from, to }: { from: number; to: number }): Promise<AlertSpan[]> {
    return this.db.all<AlertSpan>(
      `SELECT from_at AS "from", to_at AS "to" FROM alert_spans WHERE tenant = ? AND to_at >= ? AND from_at <= ? ORDER BY from_at`,
      tenant,
      from,
      to,
    );
  }

  async samples(...asked: Parameters<AlertStore["samples"]>): Promise<AlertSample[]> {
    return alertSamples(this.db, ...asked);
  }

  async figures(tenant: string, range: { since: number; now: number }): Promise<AlertFigures> {
    return alertFigures(this.db, tenant, range);
  }

  async noteErrors(limit: number): Promise<number> {
    return this.db.transaction(() => {
      const seen = Number(this.db.get<{ value: string }>("SELECT value FROM meta WHERE name = 'alert_failures_seen'")?.value ?? 0);
      const last = this.db.get<{ last: number | null; n: number }>(
        "SELECT MAX(id) AS last, COUNT(*) AS n FROM (SELECT id FROM failures WHERE id > ? ORDER BY id LIMIT ?)",
        seen,
        limit,
      )!;
      if (last.last === null) return 0;
      endChangedMutes(this.db, seen, last.last);
      this.db.run(
        `INSERT INTO alert_error_classes (tenant, operation, fingerprint, first_seen)
         SELECT b.tenant, b.operation, f.fingerprint, MIN(f.created_at) FROM failures f JOIN batches b ON b.id = f.batch_id
         WHERE f.id > ? AND f.id <= ? GROUP BY 1, 2, 3 ON CONFLICT DO NOTHING`,
        seen,
        last.last,
      );
      this.db.run(
        "INSERT INTO meta (name, value) VALUES ('alert_failures_seen', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        String(last.last),
      );
      return last.n;
    });
  }

  async trim(before: number): Promise<void> {
    this.db.transaction(() => {
      // The last sample of a thing holds until it changes: it stays as long as nothing newer replaces it.
      this.db.run(
        `DELETE FROM alert_samples WHERE at < ?1 AND EXISTS
           (SELECT 1 FROM alert_samples b WHERE b.tenant = alert_samples.tenant AND b.metric = alert_samples.metric AND b.instance = alert_samples.instance
              AND b.at > alert_samples.at AND b.at <= ?1)`,
        before,
      );
      this.db.run("DELETE FROM alert_spans WHERE to_at < ?", before);
      this.db.run("DELETE FROM alert_episodes WHERE resolved_at < ?", before);
      this.db.run("DELETE FROM alert_silences WHERE until_at < ?", before);
      this.db.run("DELETE FROM alert_sent WHERE window_at < ?", before);
    });
  }

  private cover({ tenant, at, span }: AlertStep): void {
    if (span === "none") return;
    const before = at - ALERT_TICK_MS;
    if (span === "continues" && this.db.run("UPDATE alert_spans SET to_at = ? WHERE tenant = ? AND to_at = ?", at, tenant, before) > 0)
      return;
    this.db.run("INSERT INTO alert_spans (tenant, from_at, to_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", tenant, at, at);
  }

  private saveEpisode(episode: AlertEpisode): void {
    this.db.run(
      `INSERT INTO alert_episodes (id, tenant, rule, instance, kind, severity, opened_at, resolved_at, threshold, value, worst, message, channels)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET resolved_at = excluded.resolved_at, value = excluded.value, worst = excluded.worst, message = excluded.message, channels = excluded.channels`,
      episode.id,
      episode.tenant,
      episode.rule,
      episode.instance,
      episode.kind,
      episode.severity,
      episode.openedAt,
      episode.resolvedAt,
      episode.threshold,
      episode.value,
      episode.worst,
      episode.message,
      episode.channels === null ? null : JSON.stringify(episode.channels),
    );
  }

  private saveLine(tenant: string, line: AlertLine): void {
    this.db.run(
      "INSERT INTO alert_lines (tenant, channel, dedupe_key, frequency, due_at, subject, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dedupe_key) DO NOTHING",
      tenant,
      line.channel,
      line.dedupeKey,
      line.frequency,
      line.dueAt,
      line.subject,
      line.body,
    );
  }
}

function episodeOf(raw: RawEpisode): AlertEpisode {
  const { opened_at, resolved_at, channels, acked_at, acked_by, ...rest } = raw;
  return {
    ...rest,
    openedAt: opened_at,
    resolvedAt: resolved_at,
    channels: channels === null ? null : (JSON.parse(channels) as string[]),
    ackedAt: acked_at,
    ackedBy: acked_by,
  };
}

function objectOf(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
