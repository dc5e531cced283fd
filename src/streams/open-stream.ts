import type { WindowPlan } from "../batches/create/create.ts";
import type { WindowRow } from "../store/port.ts";
import { REQUESTS } from "./requests.ts";
import { rulesOf, type StreamDefinition } from "./definition.ts";
import { ItemReader } from "./item-reader.ts";
import { dueAt, type Window, type WindowRules } from "../model/window.ts";

/** How a stream's windows become batches, beyond what their operation asks for. */
export interface Closing extends WindowPlan {
  /** A batch expires so long after its window closed; null = never. */
  batchTimeoutMs: number | null;
  /** Batches start paused: while the stream is, nothing of it may be submitted. */
  holdsBatches: boolean;
}

/** One open window in memory: the reducer's state, and the keys it holds. */
export class OpenWindow {
  readonly id: string;
  /** Grows with each window of the stream. */
  readonly number: number;
  readonly stream: OpenStream;
  readonly key: string;
  /** The reducer's state; null before the first item. */
  window: Window | null = null;
  /** In the order of the items. */
  readonly keys = new Set<string>();
  /** Bytes of each item, for when the oldest is dropped. */
  readonly sizes: number[] = [];
  /** Number of the last item without a key of its own. */
  numbered = 0;
  /** When the heap will ask about it next; null = not in the heap. */
  askedAt: number | null = null;
  /** Not closed before this, after a closure that failed. */
  notBefore = 0;

  constructor(id: string, stream: OpenStream, key: string) {
    this.id = id;
    this.stream = stream;
    this.key = key;
    this.number = stream.nextNumber++;
  }

  /** A key for an item that has none. */
  nextKey(): string {
    let key: string;
    do key = `item_${++this.numbered}`;
    while (this.keys.has(key));
    return key;
  }

  dueAt(): number | null {
    const at = this.window === null ? null : dueAt(this.window, this.stream.rules);
    return at === null ? null : Math.max(at, this.notBefore);
  }

  row(window: Window): WindowRow {
    const { tenant, name } = this.stream;
    return {
      id: this.id,
      tenant,
      stream: name,
      key: this.key,
      openedAt: window.openedAt,
      lastItemAt: window.lastItemAt,
      items: window.items,
      bytes: window.bytes,
      held: window.held,
    };
  }
}

/** A stream of one tenant in memory: its definition as it is now, and its open windows. */
export class OpenStream {
  readonly tenant: string;
  readonly name: string;
  definition: StreamDefinition;
  paused: boolean;
  rules: WindowRules;
  reader: ItemReader;
  /** How its windows become batches; an error when its operation is gone. */
  plan: Closing | Error;
  /** The same for one window, where that depends on its key. */
  planFor: (key: string) => Closing | Error;
  /** By key; where the oldest is dropped, those open longest first. */
  readonly windows = new Map<string, OpenWindow>();
  openItems = 0;
  nextNumber = 1;
  /** Items dropped off the front since the start. */
  dropped = 0;
  readonly intake = { rejected: new Map<string, number>(), offers: 0, offerMs: 0 };
  stopSchedule = (): void => {};

  constructor(tenant: string, name: string, definition: StreamDefinition, paused: boolean, plan: Closing | Error) {
    this.tenant = tenant;
    this.name = name;
    this.definition = definition;
    this.paused = paused;
    this.plan = plan;
    this.planFor = (): Closing | Error => this.plan;
    this.rules = rulesOf(definition, paused);
    this.reader = new ItemReader(definition, name);
  }

  redefine(definition: StreamDefinition, paused: boolean, plan: Closing | Error): void {
    this.definition = definition;
    this.paused = paused;
    this.plan = plan;
    this.rules = rulesOf(definition, paused);
    this.reader = new ItemReader(definition, this.name);
  }

  /** Does it collect single requests? */
  get collects(): boolean {
    return this.name === REQUESTS;
  }

  /** By their start again, after windows were put back. */
  reorder(): void {
    const inLine = [...this.windows].sort(([, a], [, b]) => a.number - b.number);
    this.windows.clear();
    for (const [key, window] of inLine) this.windows.set(key, window);
  }

  /** What every event of its windows says besides. */
  says(): Record<string, unknown> {
    const { eventPrefix, keyField } = this.definition;
    return eventPrefix === undefined ? {} : { event_prefix: eventPrefix, key_field: keyField ?? "key" };
  }
}
