import { openItems, type BatchRow } from "../model/batch.ts";
import { toNanoUsd, toUsd } from "../model/money.ts";
import { isFinal } from "../model/moves.ts";
import { runsUpstream } from "../model/upstream.ts";
import type { AttemptRow } from "../store/attempts.ts";
import type { ChunkView, Store } from "../store/port.ts";
import type { Reason } from "./service.ts";
import type { Signals } from "./signals.ts";

/** Open chunks looked at: reasons are about kinds, not about every chunk. */
const CHUNKS_READ = 100;
/** Upstream batches named one by one. */
const ATTEMPTS_NAMED = 10;

/** Why a batch is not done yet, from what is stored: the reasons that hold now, those that block everything first. */
export async function whyNotDone(store: Store, signals: Signals, batch: BatchRow, now: number): Promise<Reason[]> {
  if (isFinal(batch.status)) return [{ code: "done", message: `The batch is ${batch.status}`, since: batch.completedAt }];
  const reasons: Reason[] = [];
  if (batch.status === "paused") reasons.push({ code: "paused", message: pausedMessage(batch), since: null });
  const { budgetUsd } = batch.options;
  if (budgetUsd !== undefined && batch.cost > 0 && batch.cost >= toNanoUsd(budgetUsd)) {
    const message = `Its budget is spent (${toUsd(batch.cost)} of ${budgetUsd} USD): what runs may end, nothing more starts`;
    reasons.push({ code: "over_budget", message, since: null });
  }
  const blockers = await openDependencies(store, batch);
  if (blockers.length > 0) {
    reasons.push({
      code: "waiting_for_dependency",
      message: `It waits for ${blockers.join(", ")} to complete`,
      since: batch.createdAt,
      blockedBy: blockers,
    });
  }
  const chunks = await store.chunks.open(batch.tenant, batch.id, CHUNKS_READ);
  reasons.push(
    ...leasedReasons(
      chunks.filter((chunk) => chunk.state === "leased"),
      batch,
    ),
  );
  const attempts = runsUpstream(batch.executor) ? await store.attempts.open(batch.tenant, batch.id, CHUNKS_READ) : [];
  reasons.push(...providerReasons(attempts));
  const upstream = new Set(attempts.map((attempt) => attempt.chunkId));
  reasons.push(
    ...retryReasons(
      chunks.filter((chunk) => !upstream.has(chunk.id)),
      now,
    ),
  );
  const orphaned = chunks.filter((chunk) => chunk.state === "pending" && chunk.crashes > 0).length;
  if (orphaned > 0) {
    reasons.push({
      code: "lease_lost",
      message: `${orphaned} chunks lost their worker, which died or was not heard of; they run again, each alone`,
      since: null,
      chunks: orphaned,
    });
  }
  const ready = chunks.filter((chunk) => chunk.state === "pending" && chunk.availableAt <= now).length;
  if (ready > 0 && reasons.every((reason) => reason.code !== "paused" && reason.code !== "waiting_for_dependency")) {
    reasons.push(readyReason(batch, signals, ready));
  }
  if (openItems(batch) > 0 && batch.openChunks === 0) {
    reasons.push({
      code: "waiting_for_external_results",
      message: `${openItems(batch)} results have not been reported yet`,
      since: batch.startedAt ?? batch.createdAt,
    });
  }
  return reasons;
}

/** A batch of single requests is paused, too, while their collector is. */
function pausedMessage({ stream }: BatchRow): string {
  const alone = "The batch is paused; resume it to go on";
  return stream === "requests" ? `${alone}. A collector that is off or paused holds its batches: see GET /api/requests/collector` : alone;
}

async function openDependencies(store: Store, batch: BatchRow): Promise<string[]> {
  const open: string[] = [];
  for (const id of batch.dependsOn) {
    const dependency = await store.batches.get(batch.tenant, id);
    if (dependency !== null && !isFinal(dependency.status)) open.push(id);
  }
  return open;
}

function leasedReasons(leased: readonly ChunkView[], batch: BatchRow): Reason[] {
  const byWorker = new Map<string, number>();
  for (const chunk of leased) byWorker.set(chunk.workerId ?? "", (byWorker.get(chunk.workerId ?? "") ?? 0) + 1);
  return [...byWorker].map(([worker, chunks]) => ({
    code: "running" as const,
    message: `${worker} is working on ${chunks === 1 ? "1 chunk" : `${chunks} chunks`}`,
    since: batch.startedAt,
    chunks,
    worker,
  }));
}

function providerReasons(attempts: readonly AttemptRow[]): Reason[] {
  return attempts.slice(0, ATTEMPTS_NAMED).map((attempt) => {
    const { provider, upstreamId, lines, dueAt, sentAt, createdAt } = attempt;
    const status = attempt.upstreamStatus ?? attempt.state;
    const where = upstreamId === null ? `on their way to ${provider}` : `at ${provider} as ${upstreamId}`;
    return {
      code: "waiting_for_provider" as const,
      message: `${lines} requests are ${where} (${status})`,
      since: sentAt ?? createdAt,
      chunks: 1,
      requests: lines,
      provider,
      upstreamBatch: upstreamId,
      upstreamStatus: status,
      ...(dueAt === null ? {} : { nextPollAt: dueAt }),
    };
  });
}

function retryReasons(chunks: readonly ChunkView[], now: number): Reason[] {
  const waiting = chunks.filter((chunk) => chunk.state === "pending" && chunk.availableAt > now);
  if (waiting.length === 0) return [];
  const nextRetryAt = Math.min(...waiting.map((chunk) => chunk.availableAt));
  const items = waiting.reduce((sum, chunk) => sum + chunk.items - chunk.settled, 0);
  return [
    { code: "waiting_for_retry", message: `${items} items wait for their next try`, since: null, chunks: waiting.length, nextRetryAt },
  ];
}

function readyReason(batch: BatchRow, signals: Signals, chunks: number): Reason {
  const count = chunks === CHUNKS_READ ? `at least ${chunks}` : `${chunks}`;
  const base = { since: batch.startedAt ?? batch.createdAt, chunks };
  if (batch.executor === "external")
    return { ...base, code: "waiting_for_worker", message: `${count} chunks wait for an external worker to lease them` };
  if (signals.slots() === 0)
    return { ...base, code: "no_worker", message: `${count} chunks are ready, but no worker runs; start one with 'batchyard worker'` };
  if (signals.draining())
    return {
      ...base,
      code: "no_worker",
      message: `${count} chunks are ready, but the worker drains; resume it with POST /api/system/workers/<id>/resume`,
    };
  if (!signals.knows(batch.operation)) {
    return {
      ...base,
      code: "no_worker",
      message: `${count} chunks wait for a worker that knows the operation ${batch.operation}; start one whose config defines it`,
    };
  }
  if (signals.breakerOpen(batch.operation))
    return {
      ...base,
      code: "breaker_open",
      message: `The circuit breaker of ${batch.operation} is open: too many failures in a row; it tries again by itself`,
    };
  if (batch.options.concurrency !== undefined && batch.leasedChunks > 0) {
    return {
      ...base,
      code: "concurrency_limit",
      message: `${count} chunks wait because only ${batch.options.concurrency} items may run at once`,
    };
  }
  return { ...base, code: "waiting_for_worker", message: `${count} chunks wait for a free slot` };
}
