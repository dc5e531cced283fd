import type { Arrival, ArrivalStart } from "../model/arrival-block.ts";
import { newBatchId } from "../model/ids.ts";
import { joinLines } from "../model/item.ts";
import type { NewArrivals, NewDeadLetter, WindowChange, WindowRow } from "../store/port.ts";
import type { NewRequest } from "../store/requests.ts";
import type { StreamItem } from "./item-reader.ts";
import { OpenWindow, type OpenStream } from "./open-stream.ts";
import { step, type Closure, type WindowEvent, type WindowRules } from "../model/window.ts";

/** An item's way: into a window, alone past the windows, or nowhere. */
export type Placed =
  { id: string; batchId: string; fastPath: boolean } | { code: "duplicate_key" | "stream_full" | "dead_lettered"; message: string };

export interface ClosedWindow {
  window: OpenWindow;
  closure: Closure;
}

/** Bytes of an item that its event repeats; the log is not the place for longer ones. */
const MOST_SAID = 4096;

interface Pending {
  window: OpenWindow;
  row: WindowRow;
  opens: boolean;
  drops: number;
  keys: string[];
  texts: string[];
  payloads: unknown[];
  requeued: number[];
  requests: NewRequest[];
  withdrawn: string[];
  traces: Set<string>;
  closes: WindowChange["closes"];
}

/**
 * What one commit will do. Planning changes the windows in memory at once, so that each item sees those before it; when the
 * store refuses the commit, `undo` takes everything back.
 */
export class PlannedStep {
  readonly now: number;
  private readonly held: ReadonlySet<string>;
  readonly deadLetters: NewDeadLetter[] = [];
  readonly closed: ClosedWindow[] = [];
  /** Windows that are open after this step, for the timers. */
  readonly touched = new Set<OpenWindow>();
  private readonly arrived = new Map<OpenStream, Arrival[]>();
  private readonly pending: Pending[] = [];
  private readonly open = new Map<OpenWindow, Pending>();
  private readonly undos: (() => void)[] = [];
  /** Streams whose order of windows counts, and that lost some in this step: an undo puts them back in line. */
  private readonly disordered = new Set<OpenStream>();

  /** `held`: tenants whose windows close by size and by hand only. */
  constructor(now: number, held: ReadonlySet<string> = new Set()) {
    this.held = held;
    this.now = now;
  }

  get isEmpty(): boolean {
    return this.pending.length === 0 && this.deadLetters.length === 0;
  }

  changes(): WindowChange[] {
    return this.pending
      .filter((each) => !(each.opens && each.row.items === 0))
      .map((each) => ({
        window: each.row,
        opens: each.opens,
        drops: each.drops,
        adds: each.keys.length === 0 ? null : { keys: each.keys, body: joinLines(each.texts), says: this.saysOf(each) },
        closes: each.closes,
        requeued: each.requeued,
        requests: each.requests,
        withdrawn: each.withdrawn,
        traces: [...each.traces],
      }));
  }

  /** For the arrival log: what was placed, also what made room for later items of this step. */
  arrivals(): NewArrivals[] {
    return [...this.arrived].map(([{ tenant, name }, arrivals]) => ({ tenant, stream: name, arrivals }));
  }

  undo(): void {
    for (const back of this.undos.reverse()) back();
    for (const stream of this.disordered) stream.reorder();
  }

  /** `deadLetter`: the item comes out of the dead letters; beyond maxOpen it stays there. */
  place(stream: OpenStream, item: StreamItem, deadLetter: number | null): Placed {
    if (item.fast) return this.alone(stream, item, deadLetter);
    this.tick(stream, item.windowKey);
    const found = stream.windows.get(item.windowKey);
    if (item.key !== null && found?.keys.has(item.key) === true) {
      return { code: "duplicate_key", message: `Key '${item.key}' is already in the open window ${found.id}` };
    }
    const refused = this.makeRoom(stream, item, deadLetter);
    if (refused !== null) return refused;
    const window = stream.windows.get(item.windowKey) ?? this.opened(stream, item.windowKey);
    const key = item.key ?? window.nextKey();
    this.add(window, key, item, deadLetter);
    return { id: key, batchId: window.id, fastPath: false };
  }

  /** Takes an item out of its open window; false when it is in none. What has left is forgotten: an empty window goes. */
  withdraw(stream: OpenStream, windowKey: string, key: string): boolean {
    const window = stream.windows.get(windowKey);
    const before = window?.window ?? null;
    if (window === undefined || before === null || !window.keys.has(key)) return false;
    const keys = [...window.keys];
    const place = keys.indexOf(key);
    const bytes = window.sizes[place] ?? 0;
    const after = { ...before, items: before.items - 1, bytes: before.bytes - bytes };
    this.changed(window, after).withdrawn.push(key);
    window.keys.delete(key);
    window.sizes.splice(place, 1);
    stream.openItems -= 1;
    this.undos.push(() => {
      window.keys.clear();
      for (const each of keys) window.keys.add(each);
      window.sizes.splice(place, 0, bytes);
      stream.openItems += 1;
    });
    if (after.items > 0) return true;
    this.remove(window);
    this.touched.delete(window);
    this.open.delete(window);
    return true;
  }

  /** Time passed for one window. */
  tick(stream: OpenStream, key: string): void {
    this.happens(stream, key, { type: "tick" });
  }

  flush(stream: OpenStream, key: string, reason: "schedule" | "manual" | "drain"): void {
    this.happens(stream, key, { type: "flush", reason });
  }

  private rulesOf({ tenant, rules }: OpenStream): WindowRules {
    return this.held.has(tenant) ? { ...rules, paused: true } : rules;
  }

  private happens(stream: OpenStream, key: string, event: Exclude<WindowEvent, { type: "item" }>): void {
    const window = stream.windows.get(key);
    if (window === undefined || window.window === null || stream.plan instanceof Error) return;
    const before = window.window;
    const { window: after, closures } = step(before, event, this.now, this.rulesOf(stream));
    if (closures[0] !== undefined) this.close(window, closures[0]);
    else if (after !== null && after !== before) this.changed(window, { ...after });
  }

  private came(stream: OpenStream, { windowKey, bytes }: StreamItem, start: ArrivalStart): void {
    const arrived = this.arrived.get(stream);
    const arrival = { key: windowKey, bytes, start };
    if (arrived === undefined) this.arrived.set(stream, [arrival]);
    else arrived.push(arrival);
  }

  private add(window: OpenWindow, key: string, item: StreamItem, deadLetter: number | null): void {
    const { stream } = window;
    const before = window.window;
    this.came(stream, item, before === null ? "opened" : "joined");
    const { window: after, closures } = step(before, { type: "item", bytes: item.bytes }, this.now, this.rulesOf(stream));
    const closure = closures[0];
    const state = after ?? {
      openedAt: closure!.openedAt,
      lastItemAt: closure!.lastItemAt,
      items: closure!.items,
      bytes: closure!.bytes,
      held: false,
    };
    const pending = this.changed(window, state);
    pending.keys.push(key);
    pending.texts.push(item.text);
    pending.payloads.push(item.payload);
    if (deadLetter !== null) pending.requeued.push(deadLetter);
    if (item.request !== undefined) pending.requests.push({ ...item.request, batchId: window.id });
    if (item.traceparent !== undefined) pending.traces.add(item.traceparent);
    window.keys.add(key);
    stream.openItems += 1;
    window.sizes.push(item.bytes);
    this.undos.push(() => {
      window.keys.delete(key);
      stream.openItems -= 1;
      window.sizes.pop();
    });
    if (closure !== undefined) this.close(window, closure);
  }

  /** Sets the window's state, and notes that it has to be written. */
  private changed(window: OpenWindow, state: NonNullable<OpenWindow["window"]>): Pending {
    const before = window.window;
    this.undos.push(() => (window.window = before));
    window.window = state;
    this.touched.add(window);
    const pending = this.open.get(window) ?? this.begin(window, false);
    pending.row = window.row(state);
    return pending;
  }

  private begin(window: OpenWindow, opens: boolean): Pending {
    const row =
      window.window === null
        ? { ...window.row({ openedAt: this.now, lastItemAt: this.now, items: 0, bytes: 0, held: false }) }
        : window.row(window.window);
    const pending: Pending = {
      window,
      row,
      opens,
      drops: 0,
      keys: [],
      texts: [],
      payloads: [],
      requeued: [],
      requests: [],
      withdrawn: [],
      traces: new Set(),
      closes: null,
    };
    this.pending.push(pending);
    this.open.set(window, pending);
    return pending;
  }

  private opened(stream: OpenStream, key: string): OpenWindow {
    const window = new OpenWindow(newBatchId(this.now), stream, key);
    stream.windows.set(key, window);
    this.undos.push(() => stream.windows.delete(key));
    this.begin(window, true);
    return window;
  }

  private close(window: OpenWindow, closure: Closure): void {
    const { stream } = window;
    const pending = this.open.get(window) ?? this.begin(window, false);
    pending.closes = this.closing(window, closure, [...window.keys]);
    this.remove(window);
    stream.openItems -= closure.items;
    this.touched.delete(window);
    this.closed.push({ window, closure });
    this.undos.push(() => (stream.openItems += closure.items));
  }

  private remove(window: OpenWindow): void {
    const { stream } = window;
    stream.windows.delete(window.key);
    if (stream.definition.overflow === "drop_oldest") this.disordered.add(stream);
    this.undos.push(() => stream.windows.set(window.key, window));
  }

  private closing(
    { stream, key }: OpenWindow,
    closure: Pick<Closure, "reason" | "items" | "lagMs">,
    ids: string[],
  ): NonNullable<WindowChange["closes"]> {
    // A stream without a plan takes no items and closes nothing: see Aggregator.
    const plan = stream.planFor(key);
    if (plan instanceof Error) throw plan;
    return {
      reason: closure.reason,
      batch: {
        ...plan.batch,
        trace: plan.trace(),
        ...(plan.batchTimeoutMs === null ? {} : { deadlineAt: this.now + plan.batchTimeoutMs }),
      },
      heldBatch: plan.holdsBatches,
      maxFailures: plan.maxFailures(closure.items),
      chunkItems: plan.chunkItems(closure.items),
      chunkChars: plan.chunkChars,
      lagMs: closure.lagMs,
      says: stream.definition.eventPrefix === undefined ? {} : { ...stream.says(), ids },
    };
  }

  private alone(stream: OpenStream, item: StreamItem, deadLetter: number | null): Placed {
    const window = new OpenWindow(newBatchId(this.now), stream, item.windowKey);
    const key = item.key ?? window.nextKey();
    const state = { openedAt: this.now, lastItemAt: this.now, items: 1, bytes: item.bytes, held: false };
    this.came(stream, item, "alone");
    const pending = this.begin(window, true);
    pending.row = window.row(state);
    pending.keys.push(key);
    pending.texts.push(item.text);
    pending.payloads.push(item.payload);
    if (deadLetter !== null) pending.requeued.push(deadLetter);
    if (item.traceparent !== undefined) pending.traces.add(item.traceparent);
    const closure: Closure = { reason: "fast_path", closedAt: this.now, lagMs: 0, ...state };
    pending.closes = this.closing(window, closure, [key]);
    this.closed.push({ window, closure });
    return { id: `fast_path_${key}`, batchId: window.id, fastPath: true };
  }

  /** Null when there is room for one more. */
  private makeRoom(stream: OpenStream, item: StreamItem, deadLetter: number | null): Placed | null {
    const { overflow, maxOpen } = stream.definition;
    if (stream.openItems < maxOpen) return null;
    const full = `The stream holds ${stream.openItems} of at most ${maxOpen} open items`;
    if (overflow === "drop_oldest") {
      while (stream.openItems >= maxOpen) this.dropOldest(stream);
      return null;
    }
    if (overflow === "reject" || deadLetter !== null) return { code: "stream_full", message: full };
    this.deadLetters.push({
      tenant: stream.tenant,
      stream: stream.name,
      itemKey: item.key,
      text: item.text,
      reason: "overflow",
      at: this.now,
    });
    return { code: "dead_lettered", message: `${full}; the item is kept among the dead letters` };
  }

  /** Takes off the first item of the window that has been open longest. */
  private dropOldest(stream: OpenStream): void {
    const window: OpenWindow = stream.windows.values().next().value!;
    const before = window.window!;
    const key: string = window.keys.values().next().value!;
    const bytes = window.sizes.shift() ?? 0;
    const after = { ...before, items: before.items - 1, bytes: before.bytes - bytes };
    const pending = this.changed(window, after);
    window.keys.delete(key);
    stream.openItems -= 1;
    stream.dropped += 1;
    this.undos.push(() => {
      const later = [...window.keys];
      window.keys.clear();
      for (const each of [key, ...later]) window.keys.add(each);
      window.sizes.unshift(bytes);
      stream.openItems += 1;
      stream.dropped -= 1;
    });
    // What came within this step was never stored; it leaves the step instead.
    const stored = before.items - pending.keys.length;
    if (stored > 0) pending.drops += 1;
    else {
      pending.keys.shift();
      pending.texts.shift();
      pending.payloads.shift();
    }
    if (after.items > 0) return;
    this.remove(window);
    this.touched.delete(window);
    this.open.delete(window);
  }

  private saysOf(pending: Pending): Record<string, unknown> {
    const { stream } = pending.window;
    const [text = ""] = pending.texts;
    const item = pending.texts.length === 1 && text.length <= MOST_SAID && !stream.collects ? { item: pending.payloads[0] } : {};
    return stream.definition.eventPrefix === undefined ? item : { ...stream.says(), ...item, items: pending.payloads };
  }
}
