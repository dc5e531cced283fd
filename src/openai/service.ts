import { createHash } from "node:crypto";
import type { Caller } from "../batches/service.ts";
import { newBatchId } from "../model/ids.ts";
import type { Clock } from "../model/clock.ts";
import type { OpenAiBatchRow } from "../store/openai-batches.ts";
import type { FileRow, Store } from "../store/port.ts";
import type { OpenAiCreate } from "./create-request.ts";
import { OpenAiError } from "./error.ts";
import type { Model, Models } from "./models.ts";
import type { OpenAiRunner } from "./runner.ts";
import { OTHER_PURPOSE, wireBatch, wireFile, wirePage } from "./wire.ts";

type Wire = Record<string, unknown> & { id: string };

const WINDOW_MS = 24 * 3_600_000;
/** A create that a client sends again within this is the one it sent before. */
const REPEATED_MS = 10 * 60_000;

export interface ListQuery {
  after: string | undefined;
  limit: number;
}

export interface FileListQuery extends ListQuery {
  order: "asc" | "desc";
  purpose: string | undefined;
}

/** Everything /v1 does but for the bytes of files. Throws OpenAiError. */
export class OpenAiService {
  private readonly parts: {
    store: Pick<Store, "openai" | "batches" | "files">;
    runner: Pick<OpenAiRunner, "take" | "cancel">;
    models: Models;
    clock: Clock;
  };

  constructor(parts: OpenAiService["parts"]) {
    this.parts = parts;
  }

  /** `repeated`: the client says that it sent this before and got no answer. `id` is the id to create under. */
  async create(caller: Caller, request: OpenAiCreate, options: { id: string; repeated: boolean }): Promise<Wire> {
    const { store, runner, clock } = this.parts;
    const now = clock.now();
    const fingerprint = fingerprintOf(caller, request);
    const before = options.repeated ? await store.openai.repeated(caller.tenant, fingerprint, now - REPEATED_MS) : null;
    if (before !== null) return this.shown(before);
    await store.openai.insert({
      ...request,
      id: options.id,
      tenant: caller.tenant,
      fingerprint,
      batchId: newBatchId(now),
      traceparent: caller.traceparent ?? null,
      createdAt: now,
      expiresAt: now + WINDOW_MS,
    });
    // As it is created, whatever the runner has done with it by the time the answer is written.
    const created = (await store.openai.get(caller.tenant, options.id))!;
    runner.take(caller.tenant, options.id);
    return wireBatch(created);
  }

  /** Null when there is none: for who may have died before its create. */
  async find(caller: Caller, id: string): Promise<Wire | null> {
    const row = await this.parts.store.openai.get(caller.tenant, id);
    return row === null ? null : this.shown(row);
  }

  async get(caller: Caller, id: string): Promise<Wire> {
    return this.shown(await this.row(caller, id));
  }

  async list(caller: Caller, { after, limit }: ListQuery): Promise<Record<string, unknown>> {
    const before = after === undefined ? null : await this.parts.store.openai.get(caller.tenant, after);
    if (after !== undefined && before === null) throw noPlace(after);
    const rows = await this.parts.store.openai.list(caller.tenant, { before, limit: limit + 1 });
    return wirePage(await Promise.all(rows.map((row) => this.shown(row))), limit);
  }

  async cancel(caller: Caller, id: string): Promise<Wire> {
    const { store, runner, clock } = this.parts;
    await this.row(caller, id);
    const moved = await store.openai.move(caller.tenant, id, "cancelling", { change: {}, messages: [], now: clock.now() });
    if (moved !== null) {
      runner.cancel(caller.tenant, id);
      return this.shown(moved);
    }
    const now = await this.row(caller, id);
    if (now.status === "cancelling" || now.status === "cancelled") return this.shown(now);
    throw new OpenAiError(409, `Cannot cancel a batch with status '${now.status}'.`, { code: "invalid_state" });
  }

  models(caller: Caller): Model[] {
    return this.parts.models.list(caller.tenant);
  }

  async file(caller: Caller, id: string): Promise<FileRow> {
    const file = await this.parts.store.files.get(caller.tenant, id);
    if (file === null || isOver(file, this.parts.clock.now())) throw noFile(id);
    return file;
  }

  async files(caller: Caller, { after, limit, order, purpose }: FileListQuery): Promise<Record<string, unknown>> {
    const { store, clock } = this.parts;
    const now = clock.now();
    let before = after === undefined ? null : await store.files.place(caller.tenant, after, now);
    if (after !== undefined && before === null) throw noPlace(after);
    const purposes = purpose === undefined ? undefined : purpose === OTHER_PURPOSE ? [purpose, null] : [purpose];
    const found: FileRow[] = [];
    // Files whose time is over are still there until the next sweep: pages are filled up past them.
    for (;;) {
      const rows: FileRow[] = await store.files.list(caller.tenant, {
        before,
        limit: limit + 1,
        order: order === "asc" ? "oldest" : "newest",
        purposes,
      });
      found.push(...rows.filter((file) => !isOver(file, now)));
      if (rows.length <= limit || found.length > limit) return wirePage(found.map(wireFile), limit);
      before = rows.at(-1)!;
    }
  }

  private async row(caller: Caller, id: string): Promise<OpenAiBatchRow> {
    const row = await this.parts.store.openai.get(caller.tenant, id);
    if (row === null) throw new OpenAiError(404, `No batch found with id '${id.slice(0, 100)}'.`, { param: "batch_id" });
    return row;
  }

  /** With the counts of the moment. */
  private async shown(row: OpenAiBatchRow): Promise<Wire> {
    const running = row.status === "in_progress" || row.status === "finalizing" || row.status === "cancelling";
    const batch = running ? await this.parts.store.batches.get(row.tenant, row.batchId) : null;
    return wireBatch(row, batch === null ? row : { total: batch.totalItems, completed: batch.succeeded, failed: batch.failed });
  }
}

export function noFile(id: string): OpenAiError {
  return new OpenAiError(404, `No such File object: ${id.slice(0, 100)}`, { param: "id" });
}

function noPlace(after: string): OpenAiError {
  return new OpenAiError(400, `Invalid 'after': there is no object '${after.slice(0, 100)}' in this list.`, {
    code: "invalid_value",
    param: "after",
  });
}

function isOver(file: FileRow, now: number): boolean {
  return file.expiresAt !== null && file.expiresAt <= now;
}

function fingerprintOf({ credential }: Caller, request: OpenAiCreate): string {
  const metadata = Object.entries(request.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const said = [credential, request.inputFileId, request.endpoint, metadata, request.outputExpiresAfter];
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
