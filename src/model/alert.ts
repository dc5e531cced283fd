/**
 * An alert: one rule about one thing (an operation, a stream, a channel), and its life.
 *
 *     normal → pending (for) → firing → recovering (keep) → resolved
 *        ↑________|              ↑__________|                  |
 *        ↑_____________________________________________________|  as normal
 *
 * From the step into firing to the step into resolved is one episode: told once when it opens and once when it ends.
 */
export const ALERT_PHASES = ["normal", "pending", "firing", "recovering", "resolved"] as const;
export type AlertPhase = (typeof ALERT_PHASES)[number];

export const ALERT_SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** immediate: at once; hourly, daily: in one message with the others of that hour, that day (UTC). */
export const ALERT_FREQUENCIES = ["immediate", "hourly", "daily"] as const;
export type AlertFrequency = (typeof ALERT_FREQUENCIES)[number];

/** When a value is a breach: above (>), atLeast (≥), below (<), atMost (≤). */
export type Compare = "above" | "atLeast" | "below" | "atMost";

/** The figures are looked at this often, at whole multiples of it. */
export const ALERT_TICK_MS = 15_000;

export interface AlertState {
  phase: AlertPhase;
  /** Unix milliseconds of the last look; 0 = never. */
  at: number;
  /** How long the phase has been seen to last, milliseconds: time without data or without a look does not count. */
  heldMs: number;
  /** When the episode opened, Unix milliseconds; null outside of one. */
  openedAt: number | null;
  /** The opening was told. */
  told: boolean;
  acknowledged: boolean;
  silenced: boolean;
  inhibited: boolean;
  /** The last look had no data: everything stands still. */
  nodata: boolean;
  /** The last value that was seen; null = none yet, or the thing is gone. */
  value: number | null;
  /** The value of this episode that was furthest over the threshold. */
  worst: number | null;
}

/** What one look at one thing saw. */
export type AlertReading =
  | { kind: "value"; value: number; breached: boolean }
  /** Nothing is known at the moment. */
  | { kind: "nodata" }
  /** There is no such thing any more. */
  | { kind: "gone" };

export interface AlertLook {
  at: number;
  reading: AlertReading;
  silenced: boolean;
  inhibited: boolean;
}

export interface AlertTiming {
  /** A breach must last so long. */
  forMs: number;
  /** A recovery must last so long. */
  keepMs: number;
}

/** opened and resolved: the episode's ends; tellOpening and tellResolving: what people are to hear of them. */
export type AlertEffect = "opened" | "tellOpening" | "resolved" | "tellResolving";

export function calmAlert(): AlertState {
  return {
    phase: "normal",
    at: 0,
    heldMs: 0,
    openedAt: null,
    told: false,
    acknowledged: false,
    silenced: false,
    inhibited: false,
    nodata: false,
    value: null,
    worst: null,
  };
}

/** Between two looks at most so much counts: a process that was down saw nothing. */
const LONGEST_STEP_MS = 2 * ALERT_TICK_MS;

/** Pure: the state after one look. `further(a, b)` is true when a is further over the threshold than b. */
export function lookAtAlert(
  before: AlertState,
  look: AlertLook,
  timing: AlertTiming,
  further: (a: number, b: number) => boolean,
): { state: AlertState; effects: AlertEffect[] } {
  const { reading, at } = look;
  const flags = { at, silenced: look.silenced, inhibited: look.inhibited };
  if (reading.kind === "nodata") return { state: { ...before, ...flags, nodata: true }, effects: [] };
  const passed = before.at === 0 ? 0 : Math.min(Math.max(0, at - before.at), LONGEST_STEP_MS);
  const breached = reading.kind === "value" && reading.breached;
  const state: AlertState = {
    ...before,
    ...flags,
    nodata: false,
    value: reading.kind === "value" ? reading.value : null,
    heldMs: before.heldMs + passed,
  };
  const effects: AlertEffect[] = [];
  const move = (phase: AlertPhase): void => {
    state.phase = phase;
    state.heldMs = 0;
  };
  const open = (): void => {
    move("firing");
    state.openedAt = at;
    state.told = false;
    state.acknowledged = false;
    effects.push("opened");
  };
  const resolve = (): void => {
    move("resolved");
    effects.push("resolved");
    if (state.told) effects.push("tellResolving");
    state.openedAt = null;
    state.told = false;
    state.acknowledged = false;
  };

  if (breached) {
    if (state.phase === "normal" || state.phase === "resolved") {
      move("pending");
      state.worst = null;
    }
    if (state.phase === "pending" && state.heldMs >= timing.forMs) open();
    else if (state.phase === "recovering") move("firing");
    if (state.worst === null || further(reading.value, state.worst)) state.worst = reading.value;
  } else {
    if (state.phase === "pending") move("normal");
    else if (state.phase === "firing") move("recovering");
    if (state.phase === "recovering" && state.heldMs >= timing.keepMs) resolve();
  }
  // Also when a silence ends, or what inhibited it: as long as it fires, the opening is told late rather than never.
  if (state.phase === "firing" && !state.told && !state.silenced && !state.inhibited && !state.acknowledged) {
    state.told = true;
    effects.push("tellOpening");
  }
  return { state, effects };
}
