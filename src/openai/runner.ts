import type { Readable } from "node:stream";
import type { Batches, Caller } from "../batches/service.ts";
import type { EventLog } from "../events/port.ts";
import type { Files } from "../files/files.ts";
import type { BatchRow } from "../model/batch.ts";
import { iso, type Clock } from "../model/clock.ts";
import { BatchyardError } from "../model/errors.ts";
import type { ItemText } from "../model/item.ts";
import { isFinal } from "../model/moves.ts";
import { ONLINE, runsUpstream } from "../model/upstream.ts";
import { isFinalOpenAi, type OpenAiStatus } from "../model/openai-moves.ts";
import type { OpenAiBatchRow, OpenAiChange, OpenAiFault } from "../store/openai-batches.ts";
import type { FileRow, Store } from "../store/port.ts";
import { Gate } from "./gate.ts";
import { InputRefused, MAX_FILE_BYTES, readInput, type InputRules, type InputSurvey } from "./input-file.ts";
import type { Models } from "./models.ts";
import { OPENAI_OPERATION } from "./operation.ts";
import { ResultFiles } from "./result-files.ts";
import { endMessages, type OpenAiWebhook } from "./webhooks.ts";

/*
 * The life of a /v1 batch. Each step ends with one move of its row; whatever dies in between is done again from the row's state:
 *
 *   validating ──→ failed
 *       │ the internal batch is created under the id the row has promised; when it is there already, a process died before the move
 *       ↓
 *   in_progress    waits for the end of the internal batch
 *       ↓
 *   finalizing ──→ completed, expired
 *                  the files are written under ids that follow from the batch; written again, they take the place of the first
 *   cancelling ──→ cancelled
 *                  what is upstream at a provider is ended and collected, the internal batch is cancelled, and what it had done is written
 */

/** Files read or written at once: each keeps the disk and a core busy. */
const AT_ONCE = 2;
/** A step that failed (a full disk) is tried again after this. */
const RETRY_MS = 5_000;
/** How often a batch that is cancelled looks whether its upstream batches have ended. */
const COLLECTED_MS = 1_000;
/** A model may think for long; what takes longer than the clients themselves wait is lost. */
const LINE_TIMEOUT_MS = 600_000;

export interface RunnerParts {
  store: Pick<Store, "openai" | "batches" | "results" | "chunks">;
  batches: Pick<Batches, "create" | "cancel">;
  files: (tenant: string) => Files;
  events: Pick<EventLog, "subscribe">;
  models: Models;
  clock: Clock;
  webhooks: readonly OpenAiWebhook[];
  /** Commits what has been finished of an internal batch so far. */
  flush(batchId: string): Promise<void>;
  /** Past its deadline: may results of its upstream batches still come? */
  collecting(tenant: string, batchId: string): Promise<boolean>;
  failed(error: unknown): void;
}

interface Task {
  tenant: string;
  id: string;
  /** Someone asked while it was under way: its state may have changed since it looked. */
  again: boolean;
  /** Aborted at cancel: the file need not be read to its end. */
  reading: AbortController;
  done: Promise<void>;
}

/** Takes every /v1 batch to its end. */
export class OpenAiRunner {
  private readonly parts: RunnerParts;
  private readonly resultFiles: ResultFiles;
  private readonly gate = new Gate(AT_ONCE);
  private readonly tasks = new Map<string, Task>();
  /** Internal batch → who waits for its end. */
  private readonly waiting = new Map<string, { tenant: string; id: string }>();
  private readonly stopping = new AbortController();
  private stopListening = (): void => {};

  constructor(parts: RunnerParts) {
    this.parts = parts;
    this.resultFiles = new ResultFiles(parts);
  }

  /** Takes up every batch that is not final. */
  async start(): Promise<void> {
    this.stopListening = this.parts.events.subscribe((events) => {
      for (const { entity, type } of events) {
        const waiter = type.startsWith("batch.") ? this.waiting.get(entity.id) : undefined;
        if (waiter !== undefined && ENDS.has(type)) this.take(waiter.tenant, waiter.id);
      }
    });
    for (const { tenant, id } of await this.parts.store.openai.open()) this.take(tenant, id);
  }

  /** Starts nothing more; what is under way stops at its next line and is done again at the next start. */
  async stop(): Promise<void> {
    this.stopListening();
    this.stopping.abort(new Error("The server stops"));
    await Promise.all([...this.tasks.values()].map((task) => task.done));
  }

  /** Batches whose files are read or written now. */
  get working(): number {
    return this.tasks.size;
  }

  /** A batch is new or was changed. */
  take(tenant: string, id: string): void {
    if (this.stopping.signal.aborted) return;
    const running = this.tasks.get(id);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const task: Task = { tenant, id, again: false, reading: new AbortController(), done: Promise.resolve() };
    this.tasks.set(id, task);
    task.done = this.run(task);
  }

  /** A batch is to be cancelled: reading its file ends at once. */
  cancel(tenant: string, id: string): void {
    this.tasks.get(id)?.reading.abort(new Error("The batch was cancelled"));
    this.take(tenant, id);
  }

  private async run(task: Task): Promise<void> {
    try {
      do {
        task.again = false;
        await this.advance(task);
      } while (task.again && !this.stopping.signal.aborted);
      this.tasks.delete(task.id);
    } catch (error) {
      this.tasks.delete(task.id);
      if (this.stopping.signal.aborted) return;
      this.parts.failed(error);
      this.parts.clock.after(RETRY_MS, () => this.take(task.tenant, task.id));
    }
  }

  /** As far as it goes without waiting for the internal batch. */
  private async advance(task: Task): Promise<void> {
    const { store } = this.parts;
    while (!this.stopping.signal.aborted) {
      const row = await store.openai.get(task.tenant, task.id);
      if (row === null || isFinalOpenAi(row.status)) return;
      if (row.status === "validating") {
        await this.gate.through(() => this.validate(task, row));
        continue;
      }
      let batch = await store.batches.get(row.tenant, row.batchId);
      if (row.status === "cancelling") batch = await this.cancelled(row, batch);
      if (batch !== null && !isFinal(batch.status)) {
        this.waiting.set(row.batchId, { tenant: row.tenant, id: row.id });
        // It may have ended while we looked.
        const now = await store.batches.get(row.tenant, row.batchId);
        if (now === null || !isFinal(now.status)) return;
        batch = now;
      }
      this.waiting.delete(row.batchId);
      if (batch === null && row.status !== "cancelling") throw new Error(`The internal batch ${row.batchId} of ${row.id} is gone`);
      const ended = batch;
      if (row.status === "in_progress") await this.move(row, ended?.status === "cancelled" ? "cancelling" : "finalizing", {});
      else await this.gate.through(() => this.conclude(row, ended));
    }
  }

  private async validate(task: Task, row: OpenAiBatchRow): Promise<void> {
    const { store, batches, clock } = this.parts;
    const made = await store.batches.get(row.tenant, row.batchId);
    if (made === null && clock.now() >= row.expiresAt) {
      await this.move(row, "expired", {});
      return;
    }
    const signal = AbortSignal.any([this.stopping.signal, task.reading.signal]);
    const survey: InputSurvey = { model: null };
    try {
      const items = until(signal, readInput(await this.input(row), this.rulesOf(row), survey));
      if (made !== null) {
        // A process died before the move: the file is read again for its model alone.
        while ((await items.next()).done !== true);
        await this.move(row, "in_progress", { total: made.totalItems, model: survey.model });
        return;
      }
      // The first lines say which model, and so who is asked.
      const first = await items.next();
      const batch = await batches.create(callerOf(row), requestOf(row, this.executorOf(row, survey.model)), resumed(first, items));
      await this.move(row, "in_progress", { total: batch.totalItems, model: survey.model });
    } catch (error) {
      if (signal.aborted) return;
      const faults = faultsOf(error);
      if (faults === null) throw error;
      // Lines that were accepted once run, whatever became of their file or model since.
      if (made !== null) await this.move(row, "in_progress", { total: made.totalItems, model: survey.model });
      else await this.move(row, "failed", { errors: faults });
    }
  }

  private rulesOf(row: OpenAiBatchRow): InputRules {
    const mixed = isMixed(row);
    return {
      endpoint: row.endpoint,
      mixedModels: mixed,
      supports: (name) => {
        const model = this.parts.models.find(row.tenant, name);
        if (model?.endpoints.includes(row.endpoint) !== true) return false;
        // A file of several models is no file for a provider's batch API.
        return !mixed || model.executor !== null || model.askedBy.includes(ONLINE);
      },
    };
  }

  /** Who runs the lines; undefined = this server's own handlers. */
  private executorOf(row: OpenAiBatchRow, model: string | null): string | undefined {
    if (isMixed(row)) return ONLINE;
    return model === null ? undefined : this.parts.models.find(row.tenant, model)?.askedBy[0];
  }

  /** The bytes of the input file. Throws InputRefused when there is no such file, or not for this. */
  private async input(row: OpenAiBatchRow): Promise<AsyncIterable<Uint8Array>> {
    const refused = (code: string, message: string): InputRefused => new InputRefused([{ code, line: null, message, param: "file_id" }]);
    const absent = refused("invalid_request", `Cannot find file ${row.inputFileId}.`);
    let opened: { file: FileRow; stream: Readable };
    try {
      opened = await this.parts.files(row.tenant).open(row.inputFileId);
    } catch (error) {
      if (error instanceof BatchyardError && error.code === "file_not_found") throw absent;
      throw error;
    }
    const { file, stream } = opened;
    const fault =
      file.expiresAt !== null && file.expiresAt <= this.parts.clock.now()
        ? absent
        : file.purpose !== null && file.purpose !== "batch"
          ? refused("invalid_request", `File ${file.id} was uploaded for '${file.purpose}'; the input of a batch has the purpose 'batch'.`)
          : file.bytes > MAX_FILE_BYTES
            ? refused("invalid_request", `File ${file.id} has ${file.bytes} bytes; the input of a batch has at most ${MAX_FILE_BYTES}.`)
            : null;
    if (fault === null) return stream;
    stream.destroy();
    throw fault;
  }

  /** The internal batch, ended, or still open while its upstream batches are. Null when it never came to be. */
  private async cancelled(row: OpenAiBatchRow, batch: BatchRow | null): Promise<BatchRow | null> {
    if (batch === null || isFinal(batch.status)) return batch;
    if (runsUpstream(batch.executor) && (await this.collecting(row))) return batch;
    try {
      // Lines that were answered are kept, and paid for: what waits for its commit goes in first.
      await this.parts.flush(batch.id);
      return await this.parts.batches.cancel(callerOf(row), batch.id);
    } catch (error) {
      if (error instanceof BatchyardError && error.code === "not_cancellable") return this.parts.store.batches.get(row.tenant, batch.id);
      throw error;
    }
  }

  /** What the provider has finished is billed, so it is waited for, as at a deadline: nothing new is begun meanwhile. */
  private async collecting(row: OpenAiBatchRow): Promise<boolean> {
    const { store, clock, collecting } = this.parts;
    await store.batches.bringForward(row.tenant, row.batchId, row.cancellingAt ?? clock.now());
    if (!(await collecting(row.tenant, row.batchId))) return false;
    clock.after(COLLECTED_MS, () => this.take(row.tenant, row.id));
    return true;
  }

  /** Writes the files of an ended batch and closes it. */
  private async conclude(row: OpenAiBatchRow, batch: BatchRow | null): Promise<void> {
    const ending = row.status === "cancelling" ? "cancelled" : batch?.status === "expired" ? "expired" : "completed";
    if (batch === null) {
      await this.move(row, ending, {});
      return;
    }
    const files = await this.resultFiles.write(row, batch, ending, this.stopping.signal);
    // Somebody may have retried the internal batch by another door meanwhile: then the files tell of results that were taken back.
    const now = await this.parts.store.batches.get(row.tenant, row.batchId);
    if (now !== null && (now.epoch !== batch.epoch || !isFinal(now.status))) return;
    await this.move(row, ending, { ...files, total: batch.totalItems });
  }

  private async move(row: OpenAiBatchRow, to: OpenAiStatus, change: OpenAiChange): Promise<void> {
    const { store, clock, webhooks } = this.parts;
    const now = clock.now();
    const messages = isFinalOpenAi(to) ? endMessages(webhooks, row, to, now) : [];
    await store.openai.move(row.tenant, row.id, to, { change, messages, now });
  }
}

const ENDS = new Set(["batch.completed", "batch.failed", "batch.cancelled", "batch.expired"]);

function callerOf(row: OpenAiBatchRow): Caller {
  return { tenant: row.tenant, actor: "openai", role: "operator", credential: null, address: null, traceparent: row.traceparent };
}

/** Lines of several models are asked for one by one. */
function isMixed({ metadata }: OpenAiBatchRow): boolean {
  return metadata?.["allow_mixed_models"] === "true";
}

function requestOf(row: OpenAiBatchRow, executor: string | undefined): Parameters<Batches["create"]>[1] {
  return {
    id: row.batchId,
    operation: OPENAI_OPERATION,
    name: row.id,
    options: { deadline: iso(row.expiresAt)!, timeout: LINE_TIMEOUT_MS, ...(executor === undefined ? {} : { executor }) },
    metadata: { openai_batch: row.id, input_file_id: row.inputFileId, endpoint: row.endpoint },
    tags: ["openai"],
  };
}

async function* resumed(first: IteratorResult<ItemText[], unknown>, rest: AsyncGenerator<ItemText[]>): AsyncGenerator<ItemText[]> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

/** Faults of the file; null for an error that is not the file's. */
function faultsOf(error: unknown): OpenAiFault[] | null {
  if (error instanceof InputRefused) return error.faults;
  if (!(error instanceof BatchyardError) || error.status >= 500) return null;
  return [{ code: "invalid_request", line: null, message: error.message, param: null }];
}

async function* until(signal: AbortSignal, items: AsyncGenerator<ItemText[]>): AsyncGenerator<ItemText[]> {
  for await (const block of items) {
    signal.throwIfAborted();
    yield block;
  }
}
