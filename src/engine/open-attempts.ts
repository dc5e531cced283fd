import type { ClaimedChunk, LostLease } from "../store/port.ts";
import type { OpenSpan, Tracing } from "../tracing/port.ts";
import { attemptSpan } from "./attempt-span.ts";
import { RunTally } from "./run/run-tally.ts";

/** Leases of outside workers whose spans are open; a further one has none. */
const MAX_OPEN = 10_000;

/** The spans of chunks that outside workers hold: begun with the lease, ended with its last report. A restart forgets them. */
export class OpenAttempts {
  private readonly tracing: Pick<Tracing, "attempt" | "on">;
  /** By chunk. */
  private readonly open = new Map<number, { fence: number; span: OpenSpan; tally: RunTally }>();

  constructor(tracing: Pick<Tracing, "attempt" | "on">) {
    this.tracing = tracing;
  }

  /** What the worker gets as its parent. */
  leased(chunk: ClaimedChunk): string | null {
    if (!this.tracing.on) return chunk.batch.trace?.context ?? null;
    this.end(chunk.id, "lease_lost");
    if (this.open.size >= MAX_OPEN) return chunk.batch.trace?.context ?? null;
    const span = attemptSpan(this.tracing, chunk);
    this.open.set(chunk.id, { fence: chunk.fence, span, tally: new RunTally() });
    return span.traceparent;
  }

  /** A report under this lease was committed; the last one ends it. */
  reported({ id, fence }: Pick<ClaimedChunk, "id" | "fence">, tally: RunTally, last: boolean): void {
    const attempt = this.open.get(id);
    if (attempt?.fence !== fence) return;
    attempt.tally.add(tally);
    if (last) this.end(id, attempt.tally.error);
  }

  lost(leases: readonly LostLease[]): void {
    for (const { chunkId } of leases) this.end(chunkId, "lease_lost");
  }

  private end(chunkId: number, error: string | null): void {
    const attempt = this.open.get(chunkId);
    if (attempt === undefined) return;
    this.open.delete(chunkId);
    attempt.span.end({ attributes: attempt.tally.attributes, error });
  }
}
