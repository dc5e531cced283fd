import type { Clock } from "../model/clock.ts";
import type { DeadLetter, DeadSelection, PacedRequeue, StreamStore } from "../store/port.ts";
import type { Aggregator, Offered } from "./aggregator.ts";
import { isRefusal } from "./item-reader.ts";
import type { OpenStream } from "./open-stream.ts";
import type { RejectedItem, RequeueAnswer } from "./service.ts";

const SECOND = 1_000;
/** Letters read and offered in one go, and removed in one step. */
const AT_ONCE = 500;

export interface LettersParts {
  store: StreamStore;
  aggregator: Aggregator;
  clock: Clock;
  failed(error: unknown): void;
}

/**
 * Dead letters on their way back into their stream. A requeue with a rate goes on in the background, a part each second; what is
 * left of it is in the store, so that a restart goes on with it. A part that was offered when the process died is only known by
 * its letters, which left with the commit that placed them: at most one part more than asked for is tried then.
 *
 * What is done with the letters of a stream is done one after the other: a letter that two read at once would come back twice.
 */
export class Letters {
  private readonly parts: LettersParts;
  /** The paced requeue of a stream; another one takes its place. */
  private readonly pacing = new Map<OpenStream, { cancel: () => void }>();
  private readonly lines = new Map<OpenStream, Promise<unknown>>();
  private stopping = false;

  constructor(parts: LettersParts) {
    this.parts = parts;
  }

  async page(
    { tenant, name }: OpenStream,
    page: { after: number; limit: number; selection?: DeadSelection },
  ): Promise<{ letters: DeadLetter[]; total: number }> {
    const letters = await this.parts.store.deadLetters(tenant, name, page);
    return { letters, total: await this.count(tenant, name, page.selection ?? {}) };
  }

  /** Goes on with what a restart interrupted; `find` null = the stream is gone. */
  async resume(find: (tenant: string, name: string) => OpenStream | null): Promise<void> {
    for (const rest of await this.parts.store.pacedRequeues()) {
      const stream = find(rest.tenant, rest.stream);
      if (stream !== null) this.later(stream, rest);
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const { cancel } of this.pacing.values()) cancel();
    await Promise.all(this.lines.values());
  }

  requeue(stream: OpenStream, request: { limit: number; rate: number | null; selection: DeadSelection }): Promise<RequeueAnswer> {
    return this.inLine(stream, () => this.requeueNow(stream, request));
  }

  discard(stream: OpenStream, selection: DeadSelection, limit: number): Promise<number> {
    return this.inLine(stream, () => this.discardNow(stream, selection, limit));
  }

  private inLine<T>(stream: OpenStream, work: () => Promise<T>): Promise<T> {
    const done = (this.lines.get(stream) ?? Promise.resolve()).then(work);
    const settled = done
      .catch(() => {})
      .finally(() => {
        if (this.lines.get(stream) === settled) this.lines.delete(stream);
      });
    this.lines.set(stream, settled);
    return done;
  }

  private async requeueNow(
    stream: OpenStream,
    { limit, rate, selection }: { limit: number; rate: number | null; selection: DeadSelection },
  ): Promise<RequeueAnswer> {
    const { tenant, name } = stream;
    const wanted = Math.min(limit, await this.count(tenant, name, selection));
    this.forget(stream);
    const now = rate === null ? wanted : Math.min(wanted, rate);
    const { requeued, left, after } = await this.some(stream, now, selection, 0);
    const rest = wanted - now;
    const paced = { tenant, stream: name, selection, rest, rate: rate ?? 0, after };
    await this.parts.store.pace(paced);
    if (rest > 0) this.later(stream, paced);
    return { requeued, scheduled: rest, left };
  }

  private async discardNow({ tenant, name }: OpenStream, selection: DeadSelection, limit: number): Promise<number> {
    let discarded = 0;
    for (;;) {
      const wanted = Math.min(AT_ONCE, limit - discarded);
      const removed = await this.parts.store.discardLetters(tenant, name, selection, wanted);
      discarded += removed;
      if (removed < wanted || discarded >= limit) return discarded;
      // Others get their turn in between.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The paced requeue of this stream ends; its letters stay. */
  forget(stream: OpenStream): void {
    this.pacing.get(stream)?.cancel();
    this.pacing.delete(stream);
  }

  private async count(tenant: string, name: string, { reason, ids }: DeadSelection): Promise<number> {
    if (ids !== undefined)
      return (await this.parts.store.deadLetters(tenant, name, { after: 0, limit: ids.length, selection: { reason, ids } })).length;
    const groups = (await this.parts.store.deadLetterGroups(tenant)).filter((group) => group.queue === name);
    return groups.filter((group) => reason === undefined || group.reason === reason).reduce((sum, group) => sum + group.count, 0);
  }

  private async some(
    stream: OpenStream,
    count: number,
    selection: DeadSelection,
    from: number,
  ): Promise<{ requeued: number; left: RejectedItem[]; after: number; seen: number }> {
    const { store, aggregator } = this.parts;
    let after = from;
    let requeued = 0;
    let seen = 0;
    const left: RejectedItem[] = [];
    while (seen < count) {
      const limit = Math.min(count - seen, AT_ONCE);
      const letters = await store.deadLetters(stream.tenant, stream.name, { after, limit, selection });
      if (letters.length === 0) break;
      seen += letters.length;
      after = letters.at(-1)!.id;
      const offered: Offered[] = [];
      for (const letter of letters) {
        const read = stream.reader.read(letter.text);
        if (isRefusal(read)) left.push({ index: letter.id, ...read });
        else offered.push({ item: read, deadLetter: letter.id });
      }
      const placed = offered.length === 0 ? [] : await aggregator.offer(stream, offered);
      for (const [i, place] of placed.entries()) {
        if ("code" in place) left.push({ index: offered[i]!.deadLetter!, ...place });
        else requeued += 1;
      }
    }
    return { requeued, left, after, seen };
  }

  private later(stream: OpenStream, paced: PacedRequeue): void {
    const turn = {
      cancel: this.parts.clock.after(SECOND, () => {
        this.inLine(stream, () => this.part(stream, paced, turn)).catch((error: unknown) => {
          this.parts.failed(error);
          // The store still has what is left; it is tried again unless the server stops.
          if (this.pacing.get(stream) === turn && !this.stopping) this.later(stream, paced);
        });
      }),
    };
    this.pacing.set(stream, turn);
  }

  private async part(stream: OpenStream, paced: PacedRequeue, turn: { cancel: () => void }): Promise<void> {
    // Another requeue was before it in line, and took its place.
    if (this.pacing.get(stream) !== turn) return;
    const { after, seen } = await this.some(stream, Math.min(paced.rest, paced.rate), paced.selection, paced.after);
    const rest = seen === 0 ? 0 : Math.max(0, paced.rest - paced.rate);
    const left = { ...paced, rest, after };
    await this.parts.store.pace(left);
    if (rest === 0) this.pacing.delete(stream);
    else if (!this.stopping) this.later(stream, left);
  }
}
