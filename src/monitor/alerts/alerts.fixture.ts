import { ADAPTERS, type Opened } from "../../../test/contract/store/adapters.ts";
import { Rig } from "../../../test/contract/store/rig.ts";
import { ALERT_TICK_MS } from "../../model/alert.ts";
import type { Clock } from "../../model/clock.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Channels, type ChannelSettings } from "../notify/channels.ts";
import { Courier } from "../notify/courier.ts";
import type { MailServer } from "../notify/email.ts";
import type { Notice, Notifier } from "../notify/port.ts";
import { Targets } from "../notify/target.ts";
import { Alerts } from "./alerts.ts";
import type { ThresholdSettings } from "./catalogue.ts";
import type { LiveFacts } from "./readings.ts";

/** Nobody listens there. */
const NO_MAIL: MailServer = { url: "smtp://127.0.0.1:1", from: "batchyard@example.org" };

/** Alerts over a real store on a virtual clock; messages arrive in `heard`. */
export class AlertRig {
  readonly opened: Opened;
  readonly rig: Rig;
  readonly clock = new VirtualClock({ startsAt: Date.UTC(2026, 0, 10) });
  readonly heard: (Notice & { at: number })[] = [];
  /** How far the clock of the machine is off, milliseconds. */
  ahead = 0;
  /** The receiver answers with an error. */
  down = false;
  live: LiveFacts = { served: true, lostWorkers: 0, pressure: { waiting: 0, maxSize: 100 }, oldestWindows: [] };
  current: ThresholdSettings = {
    alerts: { errorRate: 10, processingTimeSeconds: 3_600 },
    queue: { backpressureThreshold: 0.8, criticalWaitMs: 300_000, warningDepth: 50 },
  };
  faults: unknown[] = [];
  alerts!: Alerts;
  courier!: Courier;
  private readonly targets = new Targets(["127.0.0.1:*"]);
  private readonly declared: Readonly<Record<string, ChannelSettings>>;

  private readonly mail: MailServer;

  private constructor(opened: Opened, declared: Readonly<Record<string, ChannelSettings>>, mail: MailServer) {
    this.opened = opened;
    this.rig = new Rig(opened);
    this.declared = declared;
    this.mail = mail;
  }

  static async open(declared: Readonly<Record<string, ChannelSettings>> = {}, mail: MailServer = NO_MAIL): Promise<AlertRig> {
    const made = new AlertRig(await ADAPTERS[0]!.open(), declared, mail);
    await made.begin();
    return made;
  }

  get now(): number {
    return this.clock.now();
  }

  /** As a process that died and was started again: nothing is kept but the store. */
  async restart(): Promise<void> {
    await this.rig.reopen();
    await this.begin();
  }

  /** Moves on by whole ticks, and looks at each; messages that are due go out. */
  async ticks(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.clock.skipTo(this.clock.now() + ALERT_TICK_MS - (this.clock.now() % ALERT_TICK_MS));
      await this.look();
    }
  }

  async look(): Promise<void> {
    this.rig.now = this.clock.now();
    await this.alerts.evaluator.tick();
    await this.courier.deliver();
  }

  /** A batch with so many items of which so many fail, from start to end in `runMs`; ends now. */
  async ran(items: number, failed: number, runMs = 1000, operation = "import"): Promise<void> {
    const keys = Array.from({ length: items }, (_, i) => `k${i}`);
    this.rig.now = this.clock.now() - runMs;
    const batch = await this.rig.create([keys], { batch: { operation } });
    const chunk = await this.rig.claim(batch, runMs + 60_000);
    this.rig.now = this.clock.now();
    const answers = keys.map((key, i) => [key, i < failed ? { ok: false, error: "it broke", code: "broken" } : { ok: true }] as const);
    await this.rig.commit(chunk, Object.fromEntries(answers) as Parameters<Rig["commit"]>[1]);
  }

  /** Rules other than these are switched off. */
  async only(...names: string[]): Promise<void> {
    for (const rule of await this.alerts.rules("acme")) {
      if (!names.includes(rule.name)) await this.alerts.saveRule("acme", rule.name, { kind: rule.kind, enabled: false });
    }
  }

  async firing(): Promise<string[]> {
    const episodes = await this.alerts.episodes("acme", { open: true, before: null, limit: 100 });
    return episodes.map(({ rule, instance }) => (instance === "" ? rule : `${rule} ${instance}`)).sort();
  }

  async close(): Promise<void> {
    await this.targets.close();
    await this.opened.close();
  }

  private async begin(): Promise<void> {
    const { store } = this.rig;
    const log: Notifier = {
      send: async (notice) => {
        if (this.down) throw new Error("the receiver is down");
        this.heard.push({ ...notice, at: this.clock.now() });
      },
    };
    const clock: Clock = {
      now: () => this.clock.now() + this.ahead,
      elapsed: () => this.clock.elapsed(),
      after: (ms, fire) => this.clock.after(ms, fire),
    };
    const failed = (error: unknown): void => void this.faults.push(error);
    const channels = new Channels({
      store: store.channels,
      outbox: store.outbox,
      targets: this.targets,
      mail: this.mail,
      log,
      declared: this.declared,
    });
    await channels.load();
    this.alerts = new Alerts({
      store: store.alerts,
      monitor: store.monitor,
      clock,
      home: "acme",
      channels,
      settings: { current: () => this.current, change: async () => undefined },
      live: async () => this.live,
      isReceiver: (tenant, channel) => channels.find(tenant, channel) !== undefined,
      told: () => undefined,
      failed,
    });
    this.courier = new Courier({
      outbox: store.outbox,
      receivers: {
        get: (tenant, name) => channels.find(tenant, name),
        off: (tenant, name) => channels.offReason(tenant, name),
        gone: (tenant, name, reason, now) => channels.gone(tenant, name, reason, now),
      },
      clock,
      failed,
    });
  }
}
