/**
 * When does a window close, and why: the one closure reducer. The stream aggregator, the event coalescer and the impact
 * preview all run it, so that what is previewed is what happens.
 *
 * Pure: (window, event, now, rules) → (window, closure). A window starts with its first item. Comparisons are inclusive.
 * `max_size` and `max_bytes` close with the item that fills the window, not with the next one. When age and idle hold at
 * once the reason is `timeout`. A window with fewer than `minItems` is held past its age or idle time: it closes with the
 * item that completes it (`min_size`), or when `maxWaitMs` is over (`timeout`). While paused only size closes.
 */

export type CloseReason = "timeout" | "idle" | "max_size" | "max_bytes" | "min_size" | "schedule" | "manual" | "drain" | "fast_path";

/** Absent = no such rule. Times in milliseconds. */
export interface WindowRules {
  maxAgeMs?: number | undefined;
  idleMs?: number | undefined;
  maxItems?: number | undefined;
  maxBytes?: number | undefined;
  /** Fewer are only closed by hand or after maxWaitMs. */
  minItems?: number | undefined;
  maxWaitMs?: number | undefined;
  paused?: boolean | undefined;
}

/** An open window. Times in Unix milliseconds. */
export interface Window {
  readonly openedAt: number;
  readonly lastItemAt: number;
  readonly items: number;
  readonly bytes: number;
  /** A rule was due, but there were too few items. */
  readonly held: boolean;
}

export type WindowEvent =
  | { readonly type: "item"; readonly bytes: number }
  /** Time passed, or the rules changed. */
  | { readonly type: "tick" }
  /** Close what is there: a schedule obeys minItems, the others do not. */
  | { readonly type: "flush"; readonly reason: "schedule" | "manual" | "drain" };

export interface Closure {
  readonly reason: CloseReason;
  readonly openedAt: number;
  readonly lastItemAt: number;
  readonly closedAt: number;
  readonly items: number;
  readonly bytes: number;
  /** How much later than its rule it closed, milliseconds; 0 for closures that an item or a person caused. */
  readonly lagMs: number;
}

export interface Step {
  /** Null = none is open. */
  readonly window: Window | null;
  /** In order: an overdue window closes before the item that found it opens the next one. */
  readonly closures: readonly Closure[];
}

export function step(window: Window | null, event: WindowEvent, now: number, rules: WindowRules): Step {
  const due = window === null ? null : dueClosure(window, now, rules);
  const closures: Closure[] = [];
  let open = window;
  if (due !== null && (event.type !== "flush" || event.reason === "schedule")) {
    closures.push(due);
    open = null;
  } else if (open !== null) open = hold(open, now, rules);

  if (event.type === "item") {
    open = {
      openedAt: open?.openedAt ?? now,
      lastItemAt: now,
      items: (open?.items ?? 0) + 1,
      bytes: (open?.bytes ?? 0) + event.bytes,
      held: open?.held ?? false,
    };
    const reason = filled(open, rules);
    if (reason !== null) {
      closures.push(close(open, reason, now, 0));
      open = null;
    }
  } else if (event.type === "flush" && open !== null) {
    if (event.reason !== "schedule" || open.items >= (rules.minItems ?? 0)) {
      closures.push(close(open, event.reason, now, 0));
      open = null;
    } else open = { ...open, held: true };
  }
  return { window: open, closures };
}

/** When a tick would close the window at the latest, by the rules as they are; null = never by time. */
export function dueAt(window: Window, rules: WindowRules): number | null {
  if (rules.paused === true) return null;
  const age = rules.maxAgeMs === undefined ? Infinity : window.openedAt + rules.maxAgeMs;
  const idle = rules.idleMs === undefined ? Infinity : window.lastItemAt + rules.idleMs;
  const due = window.items >= (rules.minItems ?? 0) ? Math.min(age, idle) : Infinity;
  const wait = rules.maxWaitMs === undefined ? Infinity : window.openedAt + rules.maxWaitMs;
  const at = Math.min(due, wait);
  return at === Infinity ? null : at;
}

function dueClosure(window: Window, now: number, rules: WindowRules): Closure | null {
  const at = dueAt(window, rules);
  if (at === null || at > now) return null;
  const age = rules.maxAgeMs === undefined ? Infinity : window.openedAt + rules.maxAgeMs;
  const wait = rules.maxWaitMs === undefined ? Infinity : window.openedAt + rules.maxWaitMs;
  return close(window, Math.min(age, wait) <= now ? "timeout" : "idle", now, now - at);
}

/** Remembers that a rule of time was due while there were too few items. */
function hold(window: Window, now: number, rules: WindowRules): Window {
  if (window.held || rules.paused === true || window.items >= (rules.minItems ?? 0)) return window;
  const age = rules.maxAgeMs !== undefined && window.openedAt + rules.maxAgeMs <= now;
  const idle = rules.idleMs !== undefined && window.lastItemAt + rules.idleMs <= now;
  return age || idle ? { ...window, held: true } : window;
}

function filled(window: Window, rules: WindowRules): CloseReason | null {
  if (rules.maxItems !== undefined && window.items >= rules.maxItems) return "max_size";
  if (rules.maxBytes !== undefined && window.bytes >= rules.maxBytes) return "max_bytes";
  if (window.held && rules.paused !== true && window.items >= (rules.minItems ?? 0)) return "min_size";
  return null;
}

function close(window: Window, reason: CloseReason, now: number, lagMs: number): Closure {
  return {
    reason,
    openedAt: window.openedAt,
    lastItemAt: window.lastItemAt,
    closedAt: now,
    items: window.items,
    bytes: window.bytes,
    lagMs,
  };
}
