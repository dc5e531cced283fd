import type { Clock } from "../../model/clock.ts";
import type { AccessStore } from "../../store/port.ts";

const MINUTE_MS = 60_000;
/** Keys known at once; beyond that they are forgotten, and each costs a write more. */
const MOST_KEYS = 10_000;

/** When keys were used last, to the minute: a key that is used all the time is one write a minute, whatever it asks. */
export class KeyUse {
  private readonly access: Pick<AccessStore, "keyUsed">;
  private readonly clock: Clock;
  /** By key, the minute that is written down. */
  private readonly written = new Map<string, number>();

  constructor(options: { access: Pick<AccessStore, "keyUsed">; clock: Clock }) {
    this.access = options.access;
    this.clock = options.clock;
  }

  /** Nobody waits for it, and a store that takes nothing refuses no caller for that. */
  note(id: string): void {
    const now = this.clock.now();
    const minute = now - (now % MINUTE_MS);
    if ((this.written.get(id) ?? 0) >= minute) return;
    if (this.written.size >= MOST_KEYS) this.written.clear();
    this.written.set(id, minute);
    this.access.keyUsed(id, minute).catch(() => this.written.delete(id));
  }
}
