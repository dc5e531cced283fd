import type { Clock } from "../../model/clock.ts";
import type { OutboxRow, OutboxStore } from "../../store/port.ts";
import type { Notifier } from "./port.ts";

const LOOK_MS = 1000;
const AT_ONCE = 50;
/** Waits between tries double from 5 s to 6 h: about three days in all. */
const FIRST_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 6 * 3_600_000;
const MAX_TRIES = 24;

/** Channels of a tenant by their names. */
export interface Receivers {
  get(tenant: string, name: string): Notifier | undefined;
}

/** Carries messages out of the outbox. At least once: a crash between sending and noting it sends again under the same id. */
export class Courier {
  private readonly outbox: OutboxStore;
  private readonly receivers: Receivers;
  private readonly clock: Clock;
  private readonly failed: (error: unknown) => void;
  private stopTimer = (): void => {};
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(parts: { outbox: OutboxStore; receivers: Receivers; clock: Clock; failed: (error: unknown) => void }) {
    this.outbox = parts.outbox;
    this.receivers = parts.receivers;
    this.clock = parts.clock;
    this.failed = parts.failed;
  }

  start(): void {
    this.stopTimer = this.clock.after(LOOK_MS, () => {
      this.round = this.deliver()
        .catch(this.failed)
        .finally(() => {
          if (!this.stopped) this.start();
        });
    });
  }

  /** Ends after the messages that are under way; what is left stays in the outbox. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopTimer();
    await this.round;
  }

  /** Sends everything that is due: channels side by side, so that a slow one holds up only itself; one channel's messages in order. */
  async deliver(): Promise<void> {
    const byChannel = Map.groupBy(await this.outbox.due(this.clock.now(), AT_ONCE), ({ tenant, channel }) =>
      JSON.stringify([tenant, channel]),
    );
    await Promise.all([...byChannel.values()].map((messages) => this.deliverInOrder(messages)));
  }

  private async deliverInOrder(messages: readonly OutboxRow[]): Promise<void> {
    for (const message of messages) {
      if (this.stopped) return;
      await this.send(message);
    }
  }

  private async send(message: OutboxRow): Promise<void> {
    try {
      const channel = this.receivers.get(message.tenant, message.channel);
      if (channel === undefined) throw new Error(`there is no channel '${message.channel}' any more`);
      await channel.send({ id: message.dedupeKey, subject: message.subject, body: message.body });
      await this.outbox.delivered(message.id, this.clock.now());
    } catch (error) {
      const tries = message.tries + 1;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));
      await this.outbox.failed(
        message.id,
        error instanceof Error ? error.message : String(error),
        tries >= MAX_TRIES ? null : this.clock.now() + wait,
      );
    }
  }
}
