import type { OpenAI } from "openai";
import { ENDPOINTS, type Endpoint, execute, questionOf } from "./answers.ts";
import { PeerBatch } from "./batch.ts";
import { Faults } from "./faults.ts";
import { withVersion } from "./lines.ts";
import { Books, type PeerRecord } from "./record.ts";
import { cannotFind, Files, fileWire, listWire, page, Refusal, seconds, type World } from "./world.ts";

export type ProviderOptions = Pick<World, "clock" | "answerer" | "azure" | "models" | "runSteps" | "enqueuedTokens"> & {
  steps: "manual" | "poll" | { everyMs: number };
};

type Fields = Record<string, unknown>;

/** The provider behind the routes: files, batches and single requests, without HTTP. Refusals are thrown. */
export class Provider implements World {
  readonly clock: World["clock"];
  readonly answerer: World["answerer"];
  readonly azure: boolean;
  readonly models: World["models"];
  readonly runSteps: number;
  readonly enqueuedTokens: World["enqueuedTokens"];
  readonly faults = new Faults();
  readonly books = new Books();
  readonly files = new Files();
  private readonly steps: ProviderOptions["steps"];
  /** Oldest first. */
  private readonly batches: PeerBatch[] = [];
  private isClosed = false;

  constructor(options: ProviderOptions) {
    this.clock = options.clock;
    this.answerer = options.answerer;
    this.azure = options.azure;
    this.models = options.models;
    this.runSteps = options.runSteps;
    this.enqueuedTokens = options.enqueuedTokens;
    this.steps = options.steps;
  }

  /** Timers set nothing off any more. */
  close(): void {
    this.isClosed = true;
  }

  enqueued(model: string): number {
    return this.batches.reduce((sum, batch) => sum + batch.enqueued(model), 0);
  }

  /** Moves every batch that has not ended on by so many steps. */
  advance(steps: number): void {
    for (let done = 0; done < steps; done++) {
      const live = this.batches.filter(({ isFinal }) => !isFinal);
      if (live.length === 0) return;
      for (const batch of live) batch.step();
    }
  }

  record(): PeerRecord {
    const { billed, attempts, calls } = this.books;
    return structuredClone({ billed, batches: this.batches.map((batch) => batch.record()), attempts, fired: this.faults.fired, calls });
  }

  upload(bytes: Buffer, filename: string, fields: Fields): Fields {
    const purpose = fields["purpose"];
    if (typeof purpose !== "string") throw new Refusal(400, "missing_required_parameter", "'purpose' is a required property", "purpose");
    const now = this.clock.now();
    const lifetime = Number(fields["expires_after[seconds]"] ?? (purpose === "batch" ? 2_592_000 : Number.NaN));
    const expiresAt = Number.isNaN(lifetime) ? null : seconds(now) + lifetime;
    return fileWire(this.files.add({ bytes, filename, purpose, createdAt: now, expiresAt, late: this.faults.ofFile() }));
  }

  listFiles(query: Fields): Fields {
    const newest = this.files.all().filter(({ purpose }) => query["purpose"] === undefined || query["purpose"] === purpose);
    const all = query["order"] === "asc" ? newest.toReversed() : newest;
    const { rows, hasMore } = page(all, all, query, { most: 10_000, usual: 10_000 });
    return listWire(rows.map(fileWire), hasMore);
  }

  createBatch(body: Fields): unknown {
    const endpoint = ENDPOINTS.find((each) => each === (this.azure ? withVersion(body["endpoint"]) : body["endpoint"]));
    if (endpoint === undefined) throw new Refusal(400, "invalid_value", `Invalid value: '${String(body["endpoint"])}'.`, "endpoint");
    if (body["completion_window"] !== "24h")
      throw new Refusal(400, "invalid_value", "Invalid value for 'completion_window'.", "completion_window");
    const id = String(body["input_file_id"]);
    const input = this.files.find(id);
    if (input === undefined || this.isLate(id)) throw cannotFind(id);
    const metadata = (body["metadata"] ?? null) as Record<string, string> | null;
    const batch = new PeerBatch(this, { input, endpoint, metadata, born: this.faults.ofBatch() });
    this.batches.push(batch);
    this.schedule(batch);
    return batch.wire();
  }

  batch(id: string): PeerBatch {
    const batch = this.batches.find((each) => each.id === id);
    if (batch === undefined) throw new Refusal(404, null, `No batch found with id '${id}'.`, "batch_id");
    return batch;
  }

  /** What a poll sees; the batch moves on after it. */
  retrieveBatch(id: string): unknown {
    const batch = this.batch(id);
    const seen = batch.poll();
    this.polled([batch]);
    return seen;
  }

  listBatches(query: Fields): Fields {
    const known = this.batches.toReversed();
    const { rows, hasMore } = page(
      known.filter((batch) => batch.listed()),
      known,
      query,
      { most: 100, usual: 20 },
    );
    const seen = rows.map((batch) => batch.poll());
    this.polled(rows);
    return listWire(seen, hasMore);
  }

  cancelBatch(id: string): unknown {
    const batch = this.batch(id);
    batch.cancel();
    return batch.wire();
  }

  /** One request online. */
  ask(endpoint: Endpoint, body: Fields, requestId: string): { status: number; body: unknown } {
    if (body["stream"] === true) throw new Refusal(400, "unsupported_value", "This peer does not stream.", "stream");
    const model = String(body["model"]);
    if (body["model"] !== undefined && this.models !== null && !this.models.includes(model)) {
      throw new Refusal(404, "model_not_found", `The model '${model}' does not exist or you do not have access to it.`);
    }
    const question = questionOf(endpoint, body, null);
    const done = execute(question, this.answerer, seconds(this.clock.now()));
    const text = question.text.slice(0, 100);
    const bill = { batchId: null, customId: null, attempt: null, requestId, endpoint, model, text };
    if (done.usage !== null) this.books.bill({ ...bill, usage: done.usage });
    return done;
  }

  listModels(): Fields {
    const data: OpenAI.Model[] = (this.models ?? USUAL_MODELS).map((id) => ({
      id,
      object: "model",
      created: 1_715_367_049,
      owned_by: "system",
    }));
    return { object: "list", data };
  }

  private isLate(id: string): boolean {
    const file = this.files.get(id);
    if (file.late === undefined) return false;
    file.tries += 1;
    const late = file.tries <= (file.late.tries ?? 0) || this.clock.now() < file.createdAt + (file.late.ms ?? 0);
    if (late) this.faults.count("file-late");
    return late;
  }

  private polled(batches: readonly PeerBatch[]): void {
    if (this.steps === "poll") for (const batch of batches) batch.step();
  }

  private schedule(batch: PeerBatch): void {
    const { steps } = this;
    if (typeof steps !== "object") return;
    this.clock.after(steps.everyMs, () => {
      if (this.isClosed || batch.isFinal) return;
      batch.step();
      this.schedule(batch);
    });
  }
}

const USUAL_MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-5-mini", "o4-mini", "text-embedding-3-small", "gpt-3.5-turbo-instruct"];
