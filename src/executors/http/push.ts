import { Webhook } from "standardwebhooks";
import { request } from "undici";
import { classify, OperationError } from "../../model/failure.ts";
import { settleAll } from "../handler/outcome.ts";
import { idempotencyKey, type ChunkWork, type Executor, type RunControl } from "../port.ts";

/** An answer larger than this is cut off: a chunk's results are bounded like everything else. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** A longer timer overflows and fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Pushes a chunk to the operation's URL as one POST and settles its items from the answer. Signed by the Standard Webhooks
 * scheme when the operation has a secret; `idempotency-key` is the same for every try of a chunk's content; `traceparent` names the
 * span that the push belongs to.
 *
 * Request: `{ batchId, operation, attempt, options, items: [{ key, payload, idempotencyKey }] }`.
 * Answer: `{ results: [{ key, result, qualityScore?, cost? } | { key, error, code?, category?, retryAfterMs? }] }`.
 */
export class HttpExecutor implements Executor {
  readonly kind = "http";

  async run(work: ChunkWork, control: RunControl): Promise<void> {
    const wait = control.admit();
    if (wait !== null) await wait;
    if (control.stopping || control.signal.aborted) return;
    const startedAt = performance.now();
    try {
      const answers = await this.push(work, control.signal);
      settleAll(work, control, answers, performance.now() - startedAt);
    } catch (error) {
      // A stop from our side: the items go back as they were.
      if (control.signal.aborted) return;
      const failure = classify(error);
      const durationMs = (performance.now() - startedAt) / work.items.length;
      for (let i = 0; i < work.items.length; i++) control.settle(i, { ok: false, ...failure, durationMs });
    }
  }

  private async push(work: ChunkWork, signal: AbortSignal): Promise<unknown> {
    const { url, secret } = work.operation.http!;
    const items = work.items.map((item) => ({ key: item.key, payload: item.payload, idempotencyKey: idempotencyKey(work, item.key) }));
    const body = JSON.stringify({
      batchId: work.batchId,
      operation: work.operation.name,
      attempt: work.attempt,
      options: work.options,
      items,
    });
    const id = `${work.batchId}.${work.chunkId}.${work.fence}`;
    const now = new Date();
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "idempotency-key": `${work.batchId}:${work.epoch}:${work.chunkId}`,
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    };
    if (work.traceparent !== null) headers["traceparent"] = work.traceparent;
    if (secret !== undefined) headers["webhook-signature"] = new Webhook(Buffer.from(secret).toString("base64")).sign(id, now, body);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.min(work.timeoutMs * work.items.length, LONGEST_TIMER_MS))]);
    const response = await request(url, { method: "POST", headers, body, signal: limit, headersTimeout: 0, bodyTimeout: 0 });
    const text = await boundedText(response.body);
    if (response.statusCode < 200 || response.statusCode > 299) {
      const error = Object.assign(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`), {
        status: response.statusCode,
        headers: response.headers,
      });
      throw error;
    }
    return parseAnswer(url, text);
  }
}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new OperationError(`The answer is larger than ${MAX_ANSWER_BYTES} bytes`, { code: "answer_too_large", category: "permanent" });
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parseAnswer(url: string, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new OperationError(`${url} answered no JSON: ${text.slice(0, 200)}`, { code: "bad_answer", category: "permanent" });
  }
  if (typeof answer === "object" && answer !== null && "results" in answer) return answer.results;
  throw new OperationError(`${url} answered JSON without 'results'`, { code: "bad_answer", category: "permanent" });
}
