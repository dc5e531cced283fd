import { ALERT_TICK_MS, type AlertState } from "../../model/alert.ts";
import type { AlertSample, AlertStore } from "../../store/alerts.ts";
import { isFurther, ALERT_KINDS } from "./catalogue.ts";
import { lookAtRule, type Measure } from "./look.ts";
import type { AlertRule } from "./rule.ts";

export interface TestedEpisode {
  instance: string;
  openedAt: number;
  /** Null = still open at the end. */
  resolvedAt: number | null;
  worst: number;
}

export interface BackTest {
  from: number;
  to: number;
  /** Milliseconds of it in which the figures were looked at: the rest counts as no data. */
  coveredMs: number;
  /** First and last look of it; null = there was none. */
  covered: { from: number; to: number } | null;
  episodes: TestedEpisode[];
  /** Openings and endings, which each channel would have been told of. */
  notifications: number;
}

/** Ticks after which the event loop gets a turn. */
const TICKS_AT_ONCE = 2_000;
const NO_FLAGS = { silenced: false, inhibited: false };

/**
 * What a rule would have done: the live evaluator's own step, over what it measured at its own ticks. Silences and inhibition
 * are left out; they change who is told, never when something fires.
 */
export async function backTest(
  store: Pick<AlertStore, "spans" | "samples">,
  tenant: string,
  rule: AlertRule,
  range: { from: number; to: number },
): Promise<BackTest> {
  const spans = await store.spans(tenant, range);
  const { compare } = ALERT_KINDS[rule.kind];
  const samples = await store.samples(tenant, rule.kind, range, { compare, threshold: rule.threshold });
  const further = isFurther(compare);
  const measures = new Map<string, Measure>();
  /** Those of them whose value time alone changes. */
  const moving = new Set<string>();
  let states = new Map<string, AlertState>();
  const open = new Map<string, TestedEpisode>();
  const episodes: TestedEpisode[] = [];
  let next = 0;
  let notifications = 0;
  let coveredMs = 0;
  const covered = { from: Infinity, to: -Infinity };
  let ticks = 0;
  for (const span of spans) {
    const first = Math.max(span.from, Math.ceil(range.from / ALERT_TICK_MS) * ALERT_TICK_MS);
    for (let at = first; at <= Math.min(span.to, range.to); at += ALERT_TICK_MS) {
      const looked = new Map<string, Measure>();
      const look = (instance: string): void => {
        const measure = measures.get(instance);
        if (measure !== undefined) looked.set(instance, measure);
      };
      for (; next < samples.length && samples[next]!.at <= at; next++) {
        take(measures, moving, samples[next]!);
        look(samples[next]!.instance);
      }
      // A calm thing that is as it was stays calm: it is not looked at again.
      for (const instance of moving) look(instance);
      for (const instance of states.keys()) look(instance);
      coveredMs += ALERT_TICK_MS;
      covered.from = Math.min(covered.from, at);
      covered.to = at;
      if (++ticks % TICKS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      if (looked.size === 0) continue;
      const after = new Map<string, AlertState>();
      for (const { instance, state, effects } of lookAtRule(rule, at, looked, states, () => NO_FLAGS)) {
        if (effects.includes("opened")) {
          const episode = { instance, openedAt: at, resolvedAt: null, worst: state.worst! };
          open.set(instance, episode);
          episodes.push(episode);
        }
        const episode = open.get(instance);
        if (episode !== undefined && state.worst !== null && further(state.worst, episode.worst)) episode.worst = state.worst;
        if (effects.includes("resolved")) {
          if (episode !== undefined) episode.resolvedAt = at;
          open.delete(instance);
        }
        notifications += effects.filter((effect) => effect === "tellOpening" || effect === "tellResolving").length;
        if (state.phase !== "normal" && state.phase !== "resolved") after.set(instance, state);
      }
      states = after;
    }
  }
  return { ...range, coveredMs, covered: coveredMs === 0 ? null : covered, episodes, notifications };
}

/** A thing that is gone is no longer looked at, once its alert has ended. */
function take(measures: Map<string, Measure>, moving: Set<string>, sample: AlertSample): void {
  const { instance, shape } = sample;
  if (shape === "gone") measures.delete(instance);
  else measures.set(instance, sample);
  if (shape === "since" || shape === "until") moving.add(instance);
  else moving.delete(instance);
}
