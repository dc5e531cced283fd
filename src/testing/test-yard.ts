import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import type { WireBatch } from "../api/contract/batch.ts";
import { loadConfig } from "../config.ts";
import type { BatchyardOptions } from "../index.ts";
import { Batchyard } from "../library/batchyard.ts";
import { createYard } from "../main.ts";
import type { Yard, YardParts } from "../yard.ts";
import { ALERT_TICK_MS } from "../model/alert.ts";
import { isFinal } from "../model/moves.ts";
import type { Operation } from "../operations/operation.ts";
import { HandlerCalls } from "./handler-calls.ts";
import { seededRandom } from "./random.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface TestYardOptions {
  /** The operations under test, besides the built-in ones. */
  operations?: readonly Operation[] | undefined;
  channels?: BatchyardOptions["channels"];
  /** Model providers by name. */
  providers?: BatchyardOptions["providers"];
  /** Instead of the network, for requests to providers. */
  fetch?: typeof globalThis.fetch | undefined;
  /** A data directory to go on with, kept at the end; a temporary one, removed at the end, when absent. */
  data?: string | undefined;
  /** Called between the steps of an upstream batch, for Batchyard's own tests. */
  crashPoint?: YardParts["crashPoint"];
  /** Figures are looked at every 15 seconds, and alerts fire; false when absent, because each look takes some milliseconds. */
  alerts?: boolean | undefined;
  /** Any setting of docs/operate/config.md by its name. */
  settings?: Readonly<Record<string, string>> | undefined;
  /** 0 ≤ x < 1, the jitter of retries: the same sequence in every run when absent. `() => 1` makes waits the longest. */
  random?: (() => number) | undefined;
  tenant?: string | undefined;
  /** First moment of the virtual clock, Unix milliseconds; 2026-01-01T00:00:00Z when absent. */
  startsAt?: number | undefined;
  /**
   * Milliseconds of real time that virtual time stands still for handlers which wait for something real (a socket, a file, a
   * thread) and not for the clock; 50 when absent. A handler that hangs is passed by after it.
   */
  realMs?: number | undefined;
}

/** Where tests listen. */
const LOOPBACK = "127.0.0.1:*";
const QUIET_TURNS = 3;
const DAY_MS = 86_400_000;
/** Virtual time after which runToEnd gives up, unless told otherwise. */
const WITHIN_MS = 366 * DAY_MS;

/** A yard over a temporary directory whose time is a value: nothing that waits happens before the test says so. */
export class TestYard extends Batchyard {
  readonly clock: VirtualClock;
  /** What it is made of, for Batchyard's own tests: not part of what is promised. */
  readonly parts: Yard;
  private readonly calls: HandlerCalls;
  private readonly directory: string;
  private readonly keepsDirectory: boolean;
  private readonly looksForAlerts: boolean;
  /** Some handlers run where calls cannot be counted. */
  private readonly runsElsewhere: boolean;

  private constructor(made: { clock: VirtualClock; parts: Yard; calls: HandlerCalls; directory: string; options: TestYardOptions }) {
    super(made.parts, made.options.tenant ?? "default");
    this.clock = made.clock;
    this.parts = made.parts;
    this.calls = made.calls;
    this.directory = made.directory;
    this.keepsDirectory = made.options.data !== undefined;
    this.looksForAlerts = made.options.alerts ?? false;
    this.runsElsewhere = (made.options.operations ?? []).some(runsElsewhere);
  }

  static async open(options: TestYardOptions): Promise<TestYard> {
    const directory = options.data ?? mkdtempSync(join(tmpdir(), "batchyard-testing-"));
    const calls = new HandlerCalls();
    let yard: TestYard | null = null;
    const clock = new VirtualClock({ startsAt: options.startsAt, settle: () => yard?.settle(options.realMs ?? 50) ?? turn() });
    try {
      const parts = await createYard({
        config: loadConfig({ LOG_LEVEL: "silent", BATCHYARD_WEBHOOK_HOSTS: LOOPBACK, ...options.settings }, { BATCHYARD_DATA: directory }),
        operations: options.operations,
        channels: options.channels,
        providers: options.providers,
        fetch: options.fetch,
        crashPoint: options.crashPoint,
        clock,
        alerts: options.alerts ?? false,
        random: options.random ?? seededRandom(1),
        wrap: (operation) => calls.counted(operation),
      });
      yard = new TestYard({ clock, parts, calls, directory, options });
      await parts.start();
      return yard;
    } catch (error) {
      if (options.data === undefined) rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Moves time on by `ms` virtual milliseconds; everything that is due happens, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    await this.clock.advance(0);
    while (this.clock.now() < end) await this.step(end);
  }

  /**
   * Moves time on until the batch has ended. Throws when it can never end by time alone (paused, waiting for an outside
   * worker or for results, …), naming the reasons, or when it has not ended within `withinMs` virtual milliseconds (366 days).
   */
  async runToEnd(batchId: string, options: { withinMs?: number | undefined } = {}): Promise<WireBatch> {
    const end = this.clock.now() + (options.withinMs ?? WITHIN_MS);
    await this.clock.advance(0);
    for (;;) {
      const batch = await this.getBatch(batchId);
      if (isFinal(batch.status)) return batch;
      const never = this.idle && (await this.nextEventAt()) === null;
      if (never || this.clock.now() >= end) {
        const { state, reasons } = await this.why(batchId);
        const said = reasons.map((reason) => `${reason.code}: ${reason.message}`).join("; ");
        throw new Error(
          `Batch ${batchId} is ${state} and ${never ? "never ends by time alone" : `has not ended by ${new Date(end).toISOString()}`}: ${said}`,
        );
      }
      await this.step(end);
    }
  }

  /** Ends everything, aborting handlers that do not end by themselves, and removes the directory. */
  override async close(): Promise<void> {
    let stopped = false;
    const stopping = super.close().finally(() => (stopped = true));
    stopping.catch(() => {});
    await turn();
    while (!stopped) await this.clock.advance(Math.max(0, (this.clock.nextAt() ?? 0) - this.clock.now()));
    if (!this.keepsDirectory) rmSync(this.directory, { recursive: true, force: true });
    await stopping;
  }

  /** As if the process died now: the store is closed under everything, nothing that waits ever happens, the directory stays. */
  async die(): Promise<void> {
    await this.parts.store.close();
  }

  /** No handler runs: until the next event in the store, time may be skipped. */
  private get idle(): boolean {
    return this.calls.open === 0 && this.parts.engine.running === 0 && this.parts.keeper.working === 0;
  }

  private async step(end: number): Promise<void> {
    const next = this.clock.nextAt();
    if (next === null || next >= end) return this.clock.skipTo(end);
    const at = this.idle && this.clock.waiting === 0 ? ((await this.nextEventAt()) ?? end) : next;
    await this.clock.skipTo(Math.min(end, Math.max(next, at)));
  }

  /** When something stored becomes due: a retry, a deadline, the end of a lease, a message, a probe of a breaker. */
  private async nextEventAt(): Promise<number | null> {
    const { store, engine, keeper } = this.parts;
    const leaseEnd = await store.chunks.nextLeaseEnd();
    const times = [
      await store.batches.nextReadyAt(this.clock.now()),
      await store.batches.nextDeadlineAt(),
      leaseEnd === null ? null : leaseEnd + 1,
      await store.outbox.nextAt(),
      engine.breakers.nextProbeAt(),
      await keeper.nextDueAt(),
      this.looksForAlerts ? this.clock.now() - (this.clock.now() % ALERT_TICK_MS) + ALERT_TICK_MS : null,
    ].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Lets everything happen that can happen without time going on. */
  private async settle(realMs: number): Promise<void> {
    let quiet = 0;
    let seen = this.happened;
    // Counted in pauses that this process took, not by a clock: what a machine that stands still takes away is nobody's time.
    let patience = realMs;
    for (;;) {
      await turn();
      if (seen !== this.happened) {
        seen = this.happened;
        patience = realMs;
        quiet = 0;
      } else if (++quiet >= QUIET_TURNS) {
        if (!this.waitsForSomethingReal() || this.passed === seen) return;
        if (patience-- <= 0) this.passed = seen;
        else await sleep(1);
      }
    }
  }

  /** What had happened when real waiting was last given up: it is given up once, not at every timer. */
  private passed = -1;

  private get happened(): number {
    return this.calls.changes + this.parts.keeper.changes + this.parts.endpoint.changes;
  }

  private waitsForSomethingReal(): boolean {
    const { keeper, endpoint, engine } = this.parts;
    if (this.calls.open > this.clock.waiting || keeper.working > 0 || endpoint.working > 0 || this.parts.isAtDisk()) return true;
    return this.runsElsewhere && this.calls.open === 0 && engine.running > 0;
  }
}

function runsElsewhere(operation: Operation): boolean {
  return operation.http !== undefined || operation.thread !== undefined;
}
