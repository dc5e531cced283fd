import type { Caller } from "../batches/service.ts";
import type { Clock } from "../model/clock.ts";
import type { AuditStore } from "../store/port.ts";

const MINUTE_MS = 60_000;
/** Callers remembered: past this many they are forgotten, and one of them gets a second entry. */
const CALLERS = 10_000;

/** Who asks too often is written down once a minute, not once a request. */
export class RateTrace {
  private readonly audit: AuditStore;
  private readonly clock: Clock;
  private readonly told = new Map<string, number>();

  constructor(audit: AuditStore, clock: Clock) {
    this.audit = audit;
    this.clock = clock;
  }

  async exceeded({ tenant, actor, credential, address }: Caller, target: string): Promise<void> {
    const at = this.clock.now();
    const who = `${tenant}/${credential ?? address}`;
    if (at - (this.told.get(who) ?? -Infinity) < MINUTE_MS) return;
    if (this.told.size >= CALLERS) this.told.clear();
    this.told.set(who, at);
    const action = "too_many_requests";
    await this.audit.append({ tenant, actor, credential, address, at, action, target, before: null, after: null, outcome: "RATE_LIMITED" });
  }
}
