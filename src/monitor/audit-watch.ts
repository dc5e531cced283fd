import type { Clock } from "../model/clock.ts";
import type { AuditEntry, AuditStore, EventStore } from "../store/port.ts";

/**
 * At the start of a server: says in the log itself and to whoever watches that the audit log cannot be proven whole, at each start until
 * an admin accepts it; and that a log which had no anchor got one.
 */
export async function announceAnchoring(
  { audit, events }: { audit: AuditStore; events: EventStore },
  clock: Clock,
  tenant: string,
): Promise<void> {
  const { fault, adopted } = await audit.anchoring();
  const now = clock.now();
  const entry = (action: string, outcome: AuditEntry["outcome"], after: unknown): AuditEntry => ({
    tenant,
    at: now,
    actor: "server",
    credential: null,
    address: null,
    action,
    target: "audit.anchor",
    before: null,
    after,
    outcome,
  });
  if (adopted !== null) await audit.append(entry("audit.anchored", "SUCCESS", adopted));
  if (fault === null) return;
  await audit.append(entry("audit.unproven", "SUSPICIOUS", fault));
  const { kind, message } = fault;
  await events.append([
    {
      tenant,
      type: "audit.unproven",
      entity: { kind: "audit", id: "anchor" },
      severity: "critical",
      ts: now,
      data: { kind, entry: fault.seq, message },
    },
  ]);
}
