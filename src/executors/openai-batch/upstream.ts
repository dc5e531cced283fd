import { createWriteStream, openAsBlob } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { z } from "zod";
import type { Provider } from "../../providers/provider.ts";
import type { Providers } from "../../providers/providers.ts";

/** Milliseconds a file of the largest size has to get there, at least: at 4 Mbit/s it takes seven minutes. */
const UPLOAD_MS = 600_000;
/** A page of a list, and the pages looked through for one batch. */
const PAGE = 100;
const MAX_PAGES = 100;

const id = z.string().min(1);
/** Azure writes an absent id as an empty text. */
const optionalId = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === "" ? null : value));
const counter = z.number().nullish();

const batchSchema = z.looseObject({
  id,
  status: z.string(),
  input_file_id: optionalId,
  output_file_id: optionalId,
  error_file_id: optionalId,
  created_at: z.number().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  request_counts: z.looseObject({ completed: counter, failed: counter, total: counter }).nullish(),
  errors: z
    .looseObject({
      data: z.array(z.looseObject({ code: z.string().nullish(), line: z.number().nullish(), message: z.string().nullish() })).nullish(),
    })
    .nullish(),
});
const fileSchema = z.looseObject({ id, status: z.string().nullish(), bytes: z.number().nullish() });
const metadataAttempt = z.looseObject({ attempt: z.string() });

export interface UpstreamFault {
  code: string;
  /** 1-based; null = the file as a whole. */
  line: number | null;
  message: string;
}

/** An upstream batch as it is understood here, whatever the provider's dialect. */
export interface UpstreamBatch {
  id: string;
  /** As the provider wrote it. */
  writtenStatus: string;
  /** In small letters. */
  status: string;
  inputFileId: string | null;
  outputFileId: string | null;
  errorFileId: string | null;
  /** Unix milliseconds; null = not told. */
  createdAt: number | null;
  attempt: string | null;
  completed: number;
  failed: number;
  faults: UpstreamFault[];
}

function carried(traceparent: string | null): { headers?: { traceparent: string } } {
  return traceparent === null ? {} : { headers: { traceparent } };
}

/** The batch API of one provider. Every method throws what the official client throws; nothing is tried twice here. */
export class Upstream {
  readonly provider: Provider;
  private readonly providers: Providers;
  private readonly signal: AbortSignal;

  constructor(providers: Providers, provider: Provider, signal: AbortSignal) {
    this.providers = providers;
    this.provider = provider;
    this.signal = signal;
  }

  /** Uploads a file of this disk; returns its id. */
  async upload(path: string, name: string, traceparent: string | null = null): Promise<string> {
    const client = await this.client();
    const file = new File([await openAsBlob(path)], name, { type: "application/jsonl" });
    const timeout = Math.max(this.provider.timeoutMs, UPLOAD_MS);
    return fileSchema.parse(await client.files.create({ file, purpose: "batch" }, { ...this.options, ...carried(traceparent), timeout }))
      .id;
  }

  async file(fileId: string): Promise<{ status: string | null; bytes: number | null }> {
    const { status, bytes } = fileSchema.parse(await (await this.client()).files.retrieve(fileId, this.options));
    return { status: status?.toLowerCase() ?? null, bytes: bytes ?? null };
  }

  async create(request: {
    inputFileId: string;
    endpoint: string;
    metadata: Record<string, string>;
    traceparent: string | null;
  }): Promise<UpstreamBatch> {
    const client = await this.client();
    const made = await client.batches.create(
      {
        input_file_id: request.inputFileId,
        // Azure's own spelling is not among the names that the client's types list.
        endpoint: request.endpoint as "/v1/chat/completions",
        completion_window: "24h",
        metadata: request.metadata,
      },
      { ...this.options, ...carried(request.traceparent), maxRetries: 0 },
    );
    return understood(made);
  }

  async retrieve(batchId: string): Promise<UpstreamBatch> {
    return understood(await (await this.client()).batches.retrieve(batchId, this.options));
  }

  async cancel(batchId: string): Promise<UpstreamBatch> {
    return understood(await (await this.client()).batches.cancel(batchId, this.options));
  }

  /** Newest first, down to those created before `since` (Unix ms). Ends early when `enough` says so. */
  async list(since: number, enough: (batch: UpstreamBatch) => boolean = () => false): Promise<UpstreamBatch[]> {
    const client = await this.client();
    const found: UpstreamBatch[] = [];
    let after: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const { data, has_more }: { data: unknown[]; has_more?: boolean } = await client.batches.list(
        { limit: PAGE, ...(after === null ? {} : { after }) },
        this.options,
      );
      const batches = data.map(understood);
      found.push(...batches);
      const last = batches.at(-1);
      if (last === undefined || has_more === false || batches.some(enough)) break;
      if (last.createdAt !== null && last.createdAt < since) break;
      after = last.id;
    }
    return found;
  }

  /** Streams a file to `path`, all of it or nothing. Returns its bytes. */
  async download(fileId: string, path: string): Promise<number> {
    const temporary = `${path}.part`;
    try {
      const response = await (await this.client()).files.content(fileId, this.options);
      const body = response.body as ReadableStream<Uint8Array> | null;
      await pipeline(body === null ? Readable.from([]) : Readable.fromWeb(body), createWriteStream(temporary), { signal: this.signal });
      const { size } = await stat(temporary);
      await rename(temporary, path);
      return size;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  private get options(): { signal: AbortSignal } {
    return { signal: this.signal };
  }

  private client(): ReturnType<Providers["client"]> {
    return this.providers.client(this.provider);
  }
}

function understood(answer: unknown): UpstreamBatch {
  const batch = batchSchema.parse(answer);
  const attempt = metadataAttempt.safeParse(batch.metadata);
  return {
    id: batch.id,
    writtenStatus: batch.status,
    status: batch.status.toLowerCase(),
    inputFileId: batch.input_file_id,
    outputFileId: batch.output_file_id,
    errorFileId: batch.error_file_id,
    createdAt: typeof batch.created_at === "number" ? batch.created_at * 1000 : null,
    attempt: attempt.success ? attempt.data.attempt : null,
    completed: batch.request_counts?.completed ?? 0,
    failed: batch.request_counts?.failed ?? 0,
    faults: (batch.errors?.data ?? []).map(({ code, line, message }) => ({
      code: code ?? "invalid_request",
      line: line ?? null,
      message: message ?? code ?? "The provider refused the file",
    })),
  };
}

/** Does this upstream batch come from this attempt? What it says itself holds; a provider that keeps no metadata shows its file. */
export function isOf(batch: UpstreamBatch, attempt: { id: string; inputFileId: string | null }): boolean {
  return batch.attempt === null ? batch.inputFileId !== null && batch.inputFileId === attempt.inputFileId : batch.attempt === attempt.id;
}

/** The HTTP status an error of the client carries; null = there was no answer. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof Error && "status" in error ? error.status : null;
  return typeof status === "number" ? status : null;
}

/** Did the provider say no? Everything else (no answer, 408, 409, 5xx) leaves open what it did. */
export function isRefusal(error: unknown): boolean {
  const status = statusOf(error);
  return status !== null && status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 425;
}
