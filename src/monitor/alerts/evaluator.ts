import { ALERT_TICK_MS, calmAlert, type AlertState } from "../../model/alert.ts";
import type { Clock } from "../../model/clock.ts";
import type { EventDraft } from "../../model/event.ts";
import type { AlertEpisode, AlertSample, AlertSilence, AlertStateRow, AlertStore } from "../../store/alerts.ts";
import { ALERT_KINDS, type AlertKindName } from "./catalogue.ts";
import { Dispatch } from "./dispatch.ts";
import { episodeId, isCalm, lookAtRule, type Looked, type Measure } from "./look.ts";
import { digestsOf, LIMIT_WINDOW_MS, sentenceOf } from "./messages.ts";
import type { AlertMeter } from "./readings.ts";
import type { AlertRule } from "./rule.ts";

/** Failures read at once, and how often in one tick, to find new kinds among them. */
const FAILURES_AT_ONCE = 20_000;
const FAILURE_READS = 5;
/** A clock that jumps back by so much was set. */
const SET_BACK_MS = 60_000;
/** Episodes looked through for those that ended within the time of suppression. */
const RECENT = 500;

export interface EvaluatorParts {
  store: AlertStore;
  meter: Pick<AlertMeter, "read">;
  clock: Clock;
  /** The tenant whose the server is: always looked at. */
  home: string;
  /** As they are now. */
  rules(tenant: string): Promise<AlertRule[]>;
  /** Channels of a tenant that are told unless a rule names its own, all there are, and those nothing goes to. */
  channels(tenant: string): Promise<{ standing: string[]; all: string[]; off: string[] }>;
  /** Minutes after the end of an alert in which the same one is not told again. */
  suppressionMinutes(tenant: string): Promise<number>;
  /** Messages are in the outbox that can go out now. */
  told(): void;
  failed(error: unknown): void;
}

interface Memory {
  /** The last tick that was committed; null = none is known. */
  lastAt: number | null;
  measures: Map<AlertKindName, Map<string, Measure>>;
}

/**
 * Looks at every rule every 15 seconds. One look of a tenant is one commit: what was measured, where each alert stands, the
 * episodes, and what people are to be told; so a process that dies between two looks has told exactly what is written.
 */
export class AlertEvaluator {
  private readonly parts: EvaluatorParts;
  private readonly memories = new Map<string, Memory>();
  private stopTimer = (): void => {};
  private stopped = false;
  private line: Promise<unknown> = Promise.resolve();

  constructor(parts: EvaluatorParts) {
    this.parts = parts;
  }

  start(): void {
    const { clock } = this.parts;
    this.stopTimer = clock.after(ALERT_TICK_MS - (clock.now() % ALERT_TICK_MS), () => {
      this.tick()
        .catch((error: unknown) => this.parts.failed(error))
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  /** Ends after the look that is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopTimer();
    await this.line;
  }

  /** One look at everything. A tenant whose look fails does not hold up the others. */
  async tick(): Promise<void> {
    await this.alone(() => this.noteErrors());
    for (const tenant of new Set([this.parts.home, ...(await this.parts.store.tenants())])) {
      if (this.stopped) return;
      await this.alone(() => this.look(tenant)).catch((error: unknown) => this.parts.failed(error));
    }
  }

  /** Nothing else changes alerts meanwhile. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.line.then(work);
    this.line = result.catch(() => undefined);
    return result;
  }

  /** The rule is about to go: its open alerts end, and who was told of them is told. Within `alone`. */
  async end(tenant: string, rule: AlertRule): Promise<void> {
    const { store, clock } = this.parts;
    const rows = (await store.states(tenant)).filter((row) => row.rule === rule.name);
    const looker = await this.looker(tenant, clock.now(), rows);
    for (const looked of looker.ended(rule)) await looker.take(rule, looked);
    const step = looker.step();
    // Nobody looks at them again: they are as if they had never been.
    const states = step.states.map((row) => ({ ...row, state: calmAlert() }));
    await store.commit({ ...step, states, span: "none", samples: [] });
  }

  private async noteErrors(): Promise<void> {
    for (let read = 0; read < FAILURE_READS; read++) {
      if ((await this.parts.store.noteErrors(FAILURES_AT_ONCE)) < FAILURES_AT_ONCE) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private async look(tenant: string): Promise<void> {
    const { store, meter, clock } = this.parts;
    const at = clock.now() - (clock.now() % ALERT_TICK_MS);
    const memory = await this.memory(tenant, at);
    // Looked at already, or the clock was put right by a little; one that was set back is believed, or nobody would look until it has caught up.
    if (memory.lastAt !== null && memory.lastAt >= at && memory.lastAt - at < SET_BACK_MS) return;
    const continues = memory.lastAt === at - ALERT_TICK_MS;
    const unseenMs = memory.lastAt === null || continues ? 0 : Math.max(0, at - memory.lastAt - ALERT_TICK_MS);
    const readings = await meter.read(tenant, at, unseenMs);
    const samples = [...readings].flatMap(([metric, measures]) => changesOf(metric, memory.measures.get(metric), measures, at));

    const rows = await store.states(tenant);
    const looker = await this.looker(tenant, at, rows);
    for (const rule of inOrder(await this.parts.rules(tenant))) {
      const looked = rule.enabled ? looker.look(rule, readings.get(rule.kind) ?? new Map()) : looker.ended(rule);
      for (const each of looked) await looker.take(rule, each);
    }
    const step = looker.step();
    const due = await store.dueLines(tenant, at);
    // Digests first: an opening that was held back goes out before the ending that comes at once.
    const messages = [...digestsOf(tenant, due), ...step.messages];
    await store.commit({
      ...step,
      span: continues ? "continues" : "begins",
      samples,
      messages,
      flushed: due.map(({ id }) => id),
    });
    if (messages.length > 0) this.parts.told();
    memory.lastAt = at;
    memory.measures = new Map([...readings].map(([metric, measures]) => [metric, new Map(measures)]));
  }

  /** What the last look of this or an earlier process saw. */
  private async memory(tenant: string, at: number): Promise<Memory> {
    const known = this.memories.get(tenant);
    if (known !== undefined) return known;
    const { store } = this.parts;
    const memory: Memory = { lastAt: await store.lastLook(tenant), measures: new Map() };
    for (const metric of Object.keys(ALERT_KINDS) as AlertKindName[]) {
      const seen = await store.samples(tenant, metric, { from: at + 1, to: at + 1 });
      memory.measures.set(metric, new Map(seen.filter(({ shape }) => shape !== "gone").map((sample) => [sample.instance, sample])));
    }
    this.memories.set(tenant, memory);
    return memory;
  }

  private async looker(tenant: string, at: number, rows: readonly AlertStateRow[]): Promise<Looker> {
    const { store } = this.parts;
    const minutes = await this.parts.suppressionMinutes(tenant);
    const ended = minutes === 0 ? [] : await store.episodes(tenant, { open: false, before: null, limit: RECENT });
    return new Looker({
      tenant,
      at,
      rows,
      silences: await store.silences(tenant, at),
      suppressed: new Set(
        ended
          .filter(({ resolvedAt, channels }) => channels !== null && resolvedAt! <= at && resolvedAt! + minutes * 60_000 > at)
          .map(({ rule, instance }) => keyOf(rule, instance)),
      ),
      episode: (id) => store.episode(tenant, id),
      dispatch: new Dispatch({
        at,
        channels: await this.parts.channels(tenant),
        sent: await store.sent(tenant, at - (at % LIMIT_WINDOW_MS)),
      }),
    });
  }
}

interface LookerParts {
  tenant: string;
  at: number;
  rows: readonly AlertStateRow[];
  silences: readonly AlertSilence[];
  /** Alerts that ended a short while ago. */
  suppressed: ReadonlySet<string>;
  episode(id: string): Promise<AlertEpisode | null>;
  dispatch: Dispatch;
}

/** Gathers what one look changes. */
class Looker {
  private readonly parts: LookerParts;
  private readonly rows: Map<string, AlertStateRow>;
  private readonly changed: AlertStateRow[] = [];
  private readonly episodes: AlertEpisode[] = [];
  private readonly events: EventDraft[] = [];
  /** Kinds of which something fires. */
  private readonly firing = new Set<AlertKindName>();

  constructor(parts: LookerParts) {
    this.parts = parts;
    this.rows = new Map(parts.rows.map((row) => [keyOf(row.rule, row.instance), row]));
  }

  look(rule: AlertRule, measures: ReadonlyMap<string, Measure>): Looked[] {
    const inhibited = ALERT_KINDS[rule.kind].inhibitedBy.some((kind) => this.firing.has(kind));
    return lookAtRule(rule, this.parts.at, measures, this.states(rule), (instance) => ({
      silenced: this.isSilenced(rule.name, instance),
      inhibited,
    }));
  }

  /** As if nothing of it were there any more. */
  ended(rule: AlertRule): Looked[] {
    return lookAtRule({ ...rule, keepMs: 0 }, this.parts.at, new Map(), this.states(rule), () => ({ silenced: false, inhibited: false }));
  }

  async take(rule: AlertRule, { instance, before, state, effects }: Looked): Promise<void> {
    const { tenant, at, dispatch } = this.parts;
    if (!isCalm(state) && state.phase !== "pending") this.firing.add(rule.kind);
    const row = this.rows.get(keyOf(rule.name, instance));
    const openedAt = state.openedAt ?? before.openedAt;
    const opened = effects.includes("opened");
    const episode = opened ? await this.newId(rule, instance) : openedAt === null ? null : (row?.episode ?? null);
    if (!(isCalm(state) && isCalm(before))) {
      this.changed.push({ rule: rule.name, instance, episode: state.openedAt === null ? null : episode, state });
    }
    if (episode === null) return;
    const stored = opened ? null : await this.parts.episode(episode);
    const found: AlertEpisode = stored ?? newEpisode({ id: episode, tenant, rule, instance, openedAt: openedAt!, value: state.value ?? 0 });
    const value = state.value ?? found.value;
    const worst = state.worst ?? found.worst;
    if (stored !== null && effects.length === 0 && value === stored.value && worst === stored.worst) return;
    const now: AlertEpisode = { ...found, value, worst };
    if (effects.includes("resolved")) now.resolvedAt = at;
    else if (state.phase === "firing") now.message = sentenceOf(rule.kind, instance, value, found.threshold);
    if (effects.includes("tellOpening")) now.channels = dispatch.tell(now, "opening", rule);
    if (effects.includes("tellResolving")) dispatch.tell(now, "resolving", rule);
    this.episodes.push(now);
    if (opened) this.events.push(eventOf(now, "alert.firing", at));
    if (effects.includes("resolved")) this.events.push(eventOf(now, "alert.resolved", at));
  }

  /** A message is sent once under its alert's id: two alerts never share one. */
  private async newId(rule: AlertRule, instance: string): Promise<string> {
    const { tenant, at } = this.parts;
    for (let again = 0; ; again++) {
      const id = episodeId(tenant, rule.name, instance, at, again);
      if ((await this.parts.episode(id)) === null) return id;
    }
  }

  step() {
    const { tenant, at, dispatch } = this.parts;
    return {
      tenant,
      at,
      states: this.changed,
      episodes: this.episodes,
      messages: dispatch.messages,
      lines: dispatch.lines,
      sent: dispatch.counted(),
      flushed: [],
      events: this.events,
    };
  }

  private states(rule: AlertRule): Map<string, AlertState> {
    const own = this.parts.rows.filter((row) => row.rule === rule.name);
    return new Map(own.map(({ instance, state }) => [instance, state]));
  }

  private isSilenced(rule: string, instance: string): boolean {
    const { silences, suppressed, at } = this.parts;
    if (suppressed.has(keyOf(rule, instance))) return true;
    return silences.some(
      (silence) =>
        silence.from <= at &&
        at < silence.until &&
        (silence.rule === null || silence.rule === rule) &&
        (silence.instance === null || silence.instance === instance),
    );
  }
}

/** What inhibits others goes first. */
function inOrder(rules: readonly AlertRule[]): AlertRule[] {
  const rank = (rule: AlertRule): number => (ALERT_KINDS[rule.kind].inhibitedBy.length === 0 ? 0 : 1);
  return rules.toSorted((a, b) => rank(a) - rank(b));
}

/** Rows for what is different from the last look, and for what is gone since. */
function changesOf(
  metric: AlertKindName,
  before: ReadonlyMap<string, Measure> | undefined,
  now: ReadonlyMap<string, Measure>,
  at: number,
): AlertSample[] {
  const changes: AlertSample[] = [];
  for (const { instance, shape, number } of now.values()) {
    const last = before?.get(instance);
    if (last?.shape !== shape || last.number !== number) changes.push({ metric, instance, at, shape, number });
  }
  for (const instance of before?.keys() ?? []) if (!now.has(instance)) changes.push({ metric, instance, at, shape: "gone", number: 0 });
  return changes;
}

function newEpisode(from: {
  id: string;
  tenant: string;
  rule: AlertRule;
  instance: string;
  openedAt: number;
  value: number;
}): AlertEpisode {
  const { id, tenant, rule, instance, openedAt, value } = from;
  return {
    id,
    tenant,
    rule: rule.name,
    instance,
    kind: rule.kind,
    severity: rule.severity,
    openedAt,
    resolvedAt: null,
    threshold: rule.threshold,
    value,
    worst: value,
    message: sentenceOf(rule.kind, instance, value, rule.threshold),
    channels: null,
    ackedAt: null,
    ackedBy: null,
    note: null,
  };
}

function eventOf(episode: AlertEpisode, type: "alert.firing" | "alert.resolved", ts: number): EventDraft {
  const { tenant, id, rule, instance, severity, value, threshold, message } = episode;
  const urgent = severity === "high" || severity === "critical" ? "critical" : "warning";
  return {
    tenant,
    type,
    entity: { kind: "alert", id },
    severity: type === "alert.resolved" ? "info" : urgent,
    ts,
    data: { alert: id, rule, instance, severity, value, threshold, message },
  };
}

function keyOf(rule: string, instance: string): string {
  return JSON.stringify([rule, instance]);
}
