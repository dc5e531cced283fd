import type { FastifyRequest } from "fastify";
import type { Clock } from "../model/clock.ts";
import { BatchyardError } from "../model/errors.ts";
import type { AccessStore } from "../store/port.ts";
import { sha256 } from "./body.ts";
import type { Outcome } from "./route.ts";

const KEEP_MS = 24 * 3_600_000;
const KEY_PATTERN = /^[\x21-\x7e]{1,255}$/;

/** What a run under an Idempotency-Key needs. */
export interface Once {
  tenant: string;
  request: FastifyRequest;
  /** Text of a JSON body; null when the body is a stream, whose hash is only known at its end. */
  text: string | null;
  /** Reads the body of a repeated request to its end and gives its hash: for streams. */
  drain?: () => Promise<string>;
  /** The answer of a run that died between its work and its answer, found by the id that was promised; null when nothing was done. */
  recover?: (promised: string) => Promise<{ status: number; body: unknown } | null>;
  /** An id to work under, so that `recover` can find the work. */
  promised?: string;
}

export interface Done {
  status: number;
  body: unknown;
  /** Hash of a streamed body. */
  contentHash?: string;
}

/**
 * Idempotency-Key: the same key with the same request gives the same answer for 24 h, with another request 409, and 409
 * while the first still runs. A failed request frees its key, so that it can be sent again corrected.
 */
export class Idempotency {
  private readonly store: AccessStore;
  private readonly clock: Clock;
  /** Reservations older than this process belong to one that died. */
  private readonly startedAt: number;

  constructor(store: AccessStore, clock: Clock) {
    this.store = store;
    this.clock = clock;
    this.startedAt = clock.now();
  }

  async run(once: Once, work: () => Promise<Done>): Promise<Outcome> {
    const header = once.request.headers["idempotency-key"];
    if (header === undefined) {
      const done = await work();
      return { kind: "json", status: done.status, body: done.body };
    }
    const key = String(header);
    if (!KEY_PATTERN.test(key)) throw new BatchyardError("bad_idempotency_key");
    const requestHash = sha256(once.request.method, once.request.url, once.text ?? "stream");
    const row = { tenant: once.tenant, key, requestHash, status: null, body: once.promised ?? null, createdAt: this.clock.now() };
    for (;;) {
      const held = await this.store.reserve(row, this.clock.now() - KEEP_MS);
      if (held === null) break;
      if (held.requestHash !== requestHash) throw new BatchyardError("idempotency_mismatch");
      if (held.status !== null) return await replay(held.status, held.body ?? "", once);
      if (held.createdAt >= this.startedAt) throw new BatchyardError("idempotency_in_progress", {}, { retryAfterSeconds: 1 });
      const found = held.body === null ? null : ((await once.recover?.(held.body)) ?? null);
      if (found !== null) {
        const text = JSON.stringify(found.body);
        // The hash of the lost upload died with its process; the one that comes now stands for it.
        const contentHash = await once.drain?.();
        await this.store.settle(
          once.tenant,
          key,
          found.status,
          stored(contentHash === undefined ? found : { ...found, contentHash }, text),
        );
        return { kind: "text", status: found.status, text, replayed: true };
      }
      await this.store.unreserve(once.tenant, key);
    }
    try {
      const done = await work();
      const text = JSON.stringify(done.body);
      await this.store.settle(once.tenant, key, done.status, stored(done, text));
      return { kind: "text", status: done.status, text };
    } catch (error) {
      await this.store.unreserve(once.tenant, key);
      throw error;
    }
  }
}

/** `<hash of a streamed body or nothing>\n<answer>`. */
function stored(done: Done, text: string): string {
  return `${done.contentHash ?? ""}\n${text}`;
}

async function replay(status: number, kept: string, once: Once): Promise<Outcome> {
  const cut = kept.indexOf("\n");
  const contentHash = kept.slice(0, cut);
  if (contentHash !== "" && once.drain !== undefined && (await once.drain()) !== contentHash)
    throw new BatchyardError("idempotency_mismatch");
  return { kind: "text", status, text: kept.slice(cut + 1), replayed: true };
}
