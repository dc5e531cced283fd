import { z } from "zod";
import type { Clock } from "../../model/clock.ts";
import { BatchyardError, invalid } from "../../model/errors.ts";
import { newId } from "../../model/ids.ts";
import type { AlertEpisode, AlertSilence, AlertStateRow, AlertStore, RuleNoise } from "../../store/alerts.ts";
import type { MonitorStore } from "../../store/port.ts";
import type { Channels } from "../notify/channels.ts";
import { backTest, type BackTest } from "./back-test.ts";
import { isAlertKind, type ThresholdSettings } from "./catalogue.ts";
import { AlertEvaluator } from "./evaluator.ts";
import { AlertMeter, type LiveFacts } from "./readings.ts";
import { ruleOf, rulesInForce, type AlertRule, type RuleBody } from "./rule.ts";

const DAY_MS = 86_400_000;
/** What a changed rule is tried on. */
const TRIED_DAYS = 7;

const preferences = z.object({
  channels: z.array(z.string()).nullable().catch(null),
  suppressionMinutes: z.number().catch(0),
});
type Preferences = z.output<typeof preferences>;

export interface AlertSettings {
  /** Percent. */
  errorRateThreshold: number;
  /** Seconds. */
  processingTimeThreshold: number;
  /** Who is told of rules that name no channels. */
  notificationChannels: string[];
  /** Minutes after the end of an alert in which the same one is not told again. */
  alertSuppression: number;
}

export interface AlertsParts {
  store: AlertStore;
  monitor: MonitorStore;
  clock: Clock;
  /** The tenant whose the server and its settings are. */
  home: string;
  channels: Channels;
  settings: { current(): ThresholdSettings; change(patch: Readonly<Record<string, unknown>>): Promise<unknown> };
  live(tenant: string): Promise<LiveFacts>;
  /** Somebody gets what goes to this channel. */
  isReceiver(tenant: string, channel: string): boolean;
  /** Messages are in the outbox that can go out now. */
  told(): void;
  failed(error: unknown): void;
}

/** Rules, alerts, silences and whom they are told to: everything the doors need, over the evaluator. */
export class Alerts {
  readonly evaluator: AlertEvaluator;
  readonly channels: Channels;
  private readonly parts: AlertsParts;

  constructor(parts: AlertsParts) {
    this.parts = parts;
    this.channels = parts.channels;
    this.evaluator = new AlertEvaluator({
      store: parts.store,
      meter: new AlertMeter({
        monitor: parts.monitor,
        store: parts.store,
        live: (tenant) => parts.live(tenant),
        channelsOff: (tenant) => this.off(tenant),
        isReceiver: parts.isReceiver,
      }),
      clock: parts.clock,
      home: parts.home,
      rules: (tenant) => this.rules(tenant),
      channels: async (tenant) => ({ standing: await this.standing(tenant), all: this.channels.names(tenant), off: this.off(tenant) }),
      suppressionMinutes: async (tenant) => (await this.preferences(tenant)).suppressionMinutes,
      told: () => parts.told(),
      failed: (error) => parts.failed(error),
    });
  }

  start(): void {
    this.evaluator.start();
  }

  stop(): Promise<void> {
    return this.evaluator.stop();
  }

  // ── settings ──

  async settings(tenant: string): Promise<AlertSettings> {
    const rules = await this.rules(tenant);
    const thresholdOf = (name: string): number => rules.find((rule) => rule.name === name)!.threshold;
    return {
      errorRateThreshold: thresholdOf("highErrorRate"),
      processingTimeThreshold: thresholdOf("longProcessingTime") / 1000,
      notificationChannels: await this.standing(tenant),
      alertSuppression: (await this.preferences(tenant)).suppressionMinutes,
    };
  }

  /** Throws unknown_channel, overridden_by_env, settings_invalid. Thresholds of the server's own tenant are its settings. */
  async change(tenant: string, patch: { [F in keyof AlertSettings]?: AlertSettings[F] | undefined }): Promise<AlertSettings> {
    const { store } = this.parts;
    if (patch.notificationChannels !== undefined) this.channels.require(tenant, patch.notificationChannels);
    await this.changeThresholds(tenant, patch.errorRateThreshold, patch.processingTimeThreshold);
    const known = await this.preferences(tenant);
    await store.savePreferences(tenant, {
      channels: patch.notificationChannels ?? known.channels,
      suppressionMinutes: patch.alertSuppression ?? known.suppressionMinutes,
    });
    return this.settings(tenant);
  }

  // ── rules ──

  async rules(tenant: string): Promise<AlertRule[]> {
    return rulesInForce(await this.parts.store.rules(tenant), this.parts.settings.current());
  }

  /** What the rule would have done over the last days, with the evaluator's own code. Changes nothing. */
  async tryRule(tenant: string, name: string, body: RuleBody): Promise<BackTest> {
    this.check(tenant, name, body);
    const to = this.parts.clock.now();
    const rule = { ...ruleOf(name, body, this.parts.settings.current(), true), enabled: true };
    return backTest(this.parts.store, tenant, rule, { from: to - TRIED_DAYS * DAY_MS, to });
  }

  /** Throws unknown_channel, rule_fixed. */
  async saveRule(tenant: string, name: string, body: RuleBody): Promise<{ rule: AlertRule; before: AlertRule | null }> {
    this.check(tenant, name, body);
    return this.evaluator.alone(async () => {
      const before = (await this.rules(tenant)).find((rule) => rule.name === name) ?? null;
      if (before !== null && before.kind !== body.kind) throw new BatchyardError("rule_fixed", { name, kind: before.kind });
      await this.parts.store.saveRule(tenant, name, { ...body }, this.parts.clock.now());
      return { rule: (await this.rules(tenant)).find((rule) => rule.name === name)!, before };
    });
  }

  /** Turns on what the catalogue recommends and somebody turned off; what else was changed of it stays. Returns the names. */
  async enableRecommended(tenant: string): Promise<string[]> {
    return this.evaluator.alone(async () => {
      const saved = new Map((await this.parts.store.rules(tenant)).map(({ name, body }) => [name, body]));
      const off = (await this.rules(tenant)).filter((rule) => rule.recommended && !rule.enabled);
      for (const { name, kind } of off)
        await this.parts.store.saveRule(tenant, name, { ...saved.get(name), kind, enabled: true }, this.parts.clock.now());
      return off.map(({ name }) => name);
    });
  }

  /** By rule, over the last days. */
  async noise(tenant: string): Promise<{ days: number; of: Map<string, RuleNoise> }> {
    const rows = await this.parts.store.noise(tenant, this.parts.clock.now() - TRIED_DAYS * DAY_MS);
    return { days: TRIED_DAYS, of: new Map(rows.map((row) => [row.rule, row])) };
  }

  /** How many alerts stand: `critical` is part of `firing`. */
  async counts(tenant: string): Promise<{ firing: number; critical: number; silenced: number; pending: number }> {
    const open = await this.parts.store.open(tenant);
    const sum = (of: typeof open): number => of.reduce((total, { alerts }) => total + alerts, 0);
    const firing = open.filter(({ silenced }) => !silenced);
    const states = await this.parts.store.states(tenant);
    return {
      firing: sum(firing),
      critical: sum(firing.filter(({ severity }) => severity === "critical")),
      silenced: sum(open) - sum(firing),
      pending: states.filter(({ state }) => state.phase === "pending").length,
    };
  }

  /** A rule of the catalogue is again as it was at first; another one is gone. Throws rule_not_found. */
  async removeRule(tenant: string, name: string): Promise<AlertRule> {
    return this.evaluator.alone(async () => {
      const rule = (await this.rules(tenant)).find((each) => each.name === name && each.saved);
      if (rule === undefined) throw new BatchyardError("rule_not_found", { name });
      if (!isAlertKind(name)) await this.evaluator.end(tenant, rule);
      await this.parts.store.removeRule(tenant, name);
      return rule;
    });
  }

  // ── alerts ──

  episode(...asked: Parameters<AlertStore["episode"]>): Promise<AlertEpisode | null> {
    return this.parts.store.episode(...asked);
  }

  episodes(...asked: Parameters<AlertStore["episodes"]>): Promise<AlertEpisode[]> {
    return this.parts.store.episodes(...asked);
  }

  /** Every alert that is not calm, as it was last looked at. */
  states(tenant: string): Promise<AlertStateRow[]> {
    return this.parts.store.states(tenant);
  }

  /** The first who takes it on counts; doing it again changes nothing. Throws alert_not_found. */
  async acknowledge(tenant: string, id: string, by: string, note: string | null): Promise<AlertEpisode> {
    const now = this.parts.clock.now();
    const event = {
      tenant,
      type: "alert.acked",
      entity: { kind: "alert", id },
      severity: "info" as const,
      ts: now,
      data: { alert: id, by },
    };
    const found = await this.evaluator.alone(() => this.parts.store.acknowledge(tenant, id, { by, note, now, event }));
    if (found === null) throw new BatchyardError("alert_not_found");
    return found;
  }

  // ── silences ──

  silences(tenant: string): Promise<AlertSilence[]> {
    return this.parts.store.silences(tenant, this.parts.clock.now());
  }

  /** Throws validation_failed when it ends before it begins or lies in the past, rule_not_found. */
  async silence(tenant: string, asked: Omit<AlertSilence, "id" | "tenant">): Promise<AlertSilence> {
    if (asked.until <= Math.max(asked.from, this.parts.clock.now()))
      throw invalid([{ path: "until", message: "must be after `from` and in the future", code: "out_of_range" }]);
    if (asked.rule !== null && (await this.rules(tenant)).every((rule) => rule.name !== asked.rule))
      throw new BatchyardError("rule_not_found", { name: asked.rule });
    const silence = { ...asked, id: newId("silence"), tenant };
    await this.parts.store.addSilence(silence);
    return silence;
  }

  /** Throws silence_not_found. */
  async endSilence(tenant: string, id: string): Promise<void> {
    if (!(await this.parts.store.endSilence(tenant, id, this.parts.clock.now()))) throw new BatchyardError("silence_not_found");
  }

  private check(tenant: string, name: string, body: RuleBody): void {
    if (isAlertKind(name) && body.kind !== name) throw new BatchyardError("rule_fixed", { name, kind: name });
    this.channels.require(tenant, body.channels ?? []);
  }

  private off(tenant: string): string[] {
    return this.channels.list(tenant).flatMap(({ name, off }) => (off === null ? [] : [name]));
  }

  private async preferences(tenant: string): Promise<Preferences> {
    return preferences.parse(await this.parts.store.preferences(tenant));
  }

  /** Channels that were removed since they were named are left out. */
  private async standing(tenant: string): Promise<string[]> {
    const { channels } = await this.preferences(tenant);
    const known = this.channels.names(tenant);
    return channels?.filter((name) => known.includes(name)) ?? this.channels.standing(tenant);
  }

  private async changeThresholds(tenant: string, errorRate: number | undefined, processingSeconds: number | undefined): Promise<void> {
    const { store, settings, home, clock } = this.parts;
    const given = [
      ["highErrorRate", errorRate, errorRate],
      ["longProcessingTime", processingSeconds, processingSeconds === undefined ? undefined : processingSeconds * 1000],
    ] as const;
    if (tenant === home && (errorRate !== undefined || processingSeconds !== undefined)) {
      await settings.change({
        alerts: {
          ...(errorRate === undefined ? {} : { error_rate_threshold: errorRate }),
          ...(processingSeconds === undefined ? {} : { processing_time_threshold: processingSeconds }),
        },
      });
    }
    const saved = new Map((await store.rules(tenant)).map(({ name, body }) => [name, body]));
    for (const [name, asked, threshold] of given) {
      const body = saved.get(name);
      if (asked === undefined || (tenant === home && body === undefined)) continue;
      await store.saveRule(tenant, name, { ...body, kind: name, threshold: tenant === home ? null : threshold }, clock.now());
    }
  }
}
