import type { Clock } from "../../model/clock.ts";
import type { OutboxRow, OutboxStore } from "../../store/port.ts";
import type { Notifier } from "./port.ts";
import { PartlySent, Refusal } from "./refusal.ts";

const LOOK_MS = 1000;
const AT_ONCE = 50;
/** Waits between tries double from 5 s to 6 h: about three days in all. */
const FIRST_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 6 * 3_600_000;
const MAX_TRIES = 24;

/** Channels of a tenant by their names. */
export interface Receivers {
  get(tenant: string, name: string): Notifier | undefined;
  /** Why nothing goes to it for now; null = nothing stands against it. */
  off?(tenant: string, name: string): string | null;
  /** Its receiver is gone for good. False: it is no channel that can be switched off, so that only this message is given up. */
  gone?(tenant: string, name: string, reason: string, now: number): Promise<boolean>;
}

/** Carries messages out of the outbox. At least once: a crash between sending and noting it sends again under the same id. */
export class Courier {
  private readonly outbox: OutboxStore;
  private readonly receivers: Receivers;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  private stopTimer = (): void => {};
  /** Channels that are being served, each apart: a slow one holds up only itself. */
  private readonly lanes = new Map<string, Promise<void>>();
  /** Until when a channel asked to be left alone, Unix milliseconds. */
  private readonly quietUntil = new Map<string, number>();
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(parts: { outbox: OutboxStore; receivers: Receivers; clock: Clock; failed: (error: unknown) => void }) {
    this.outbox = parts.outbox;
    this.receivers = parts.receivers;
    this.clock = parts.clock;
    this.failed = parts.failed;
  }

  start(): void {
    this.stopTimer = this.clock.after(LOOK_MS, () => {
      this.looking = this.looking
        .then(() => this.look())
        .catch(this.failed)
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  /** There is something new: it is not left to the next look. */
  wake(): void {
    if (!this.stopped) this.looking = this.looking.then(() => this.look()).catch(this.failed);
  }

  /** Ends after the messages that are under way; what is left stays in the outbox. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopTimer();
    await this.looking;
    await Promise.all(this.lanes.values());
  }

  /** Sends everything that is due, and ends when that has been tried. */
  async deliver(): Promise<void> {
    await this.look();
    await Promise.all(this.lanes.values());
  }

  /** A channel that is served already is left to its lane. */
  private async look(): Promise<void> {
    const busy = [...this.lanes.keys()].map((key) => JSON.parse(key) as [string, string]);
    const due = await this.outbox.due(this.clock.now(), AT_ONCE, busy);
    for (const [key, messages] of Map.groupBy(due, ({ tenant, channel }) => JSON.stringify([tenant, channel]))) {
      if (this.lanes.has(key)) continue;
      const lane = this.serve(key, messages)
        .catch(this.failed)
        .finally(() => this.lanes.delete(key));
      this.lanes.set(key, lane);
    }
  }

  /** One channel's messages, in order. */
  private async serve(key: string, messages: readonly OutboxRow[]): Promise<void> {
    for (const message of messages) {
      if (this.stopped) return;
      const until = this.quietUntil.get(key);
      if (until !== undefined && until > this.clock.now()) return this.outbox.delay(message.tenant, message.channel, until);
      this.quietUntil.delete(key);
      await this.send(key, message);
    }
  }

  private async send(key: string, message: OutboxRow): Promise<void> {
    const { id, tenant, channel } = message;
    try {
      const off = this.receivers.off?.(tenant, channel) ?? null;
      if (off !== null) throw new Error(`switched off: ${off}`);
      const receiver = this.receivers.get(tenant, channel);
      if (receiver === undefined) throw new Error(`there is no channel '${channel}' any more`);
      const { dedupeKey, subject, body, reached } = message;
      await receiver.send({ id: dedupeKey, subject, body, reached });
      await this.outbox.delivered(id, this.clock.now());
    } catch (error) {
      const now = this.clock.now();
      const tries = message.tries + 1;
      const asked = error instanceof Refusal ? Math.min(LONGEST_WAIT_MS, error.retryAfterMs ?? 0) : 0;
      const wait = Math.max(asked, Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1)));
      const reason = error instanceof Error ? error.message : String(error);
      const isLost = error instanceof Refusal && error.isGone && (await this.receivers.gone?.(tenant, channel, reason, now)) !== true;
      if (asked > 0) this.quietUntil.set(key, now + asked);
      const reached = error instanceof PartlySent ? error.reached : undefined;
      await this.outbox.failed(id, reason, isLost || tries >= MAX_TRIES ? null : now + wait, reached);
    }
  }
}
