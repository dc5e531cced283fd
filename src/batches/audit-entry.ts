import type { BatchStanding } from "../model/batch.ts";
import { priorityName } from "../model/priority.ts";
import type { AuditEntry } from "../store/port.ts";
import type { Caller } from "./service.ts";

/** What the audit log says of an act on a batch: how it stood before (null = unknown) and how it stands now. */
export function batchEntry(
  caller: Pick<Caller, "tenant" | "actor" | "credential" | "address">,
  act: { action: string; at: number; before: BatchStanding | null; after: BatchStanding; extra?: Record<string, unknown> },
): AuditEntry {
  const { tenant, actor, credential, address } = caller;
  const { action, at, before, after, extra } = act;
  return {
    tenant,
    at,
    actor,
    credential,
    address,
    action,
    target: after.id,
    before: before === null ? null : shown(before),
    after: { ...shown(after), ...extra },
    outcome: "SUCCESS",
  };
}

function shown({ status, priority, epoch }: BatchStanding): Record<string, unknown> {
  return { status, priority: priorityName(priority), epoch };
}
