import type { OpenAI } from "openai";
import { randomText } from "../../../src/model/ids.ts";
import { type Endpoint, errorBody, execute, type Executed, inputTokens, type Question, type Usage } from "./answers.ts";
import type { BatchFault } from "./faults.ts";
import { type BatchError, distorted, type OutputLine, readLines, resultLines } from "./lines.ts";
import type { BatchRecord } from "./record.ts";
import { ORGANIZATION, Refusal, seconds, type StoredFile, type World } from "./world.ts";

type Status = OpenAI.Batch["status"];
type Final = Extract<Status, "completed" | "failed" | "expired" | "cancelled">;
type Stamp = "in_progress_at" | "finalizing_at" | "completed_at" | "failed_at" | "expired_at" | "cancelling_at" | "cancelled_at";
/** As the provider sends it: every key, explicit nulls. */
type Wire<T> = { [K in keyof T]-?: Exclude<T[K], undefined> | null };
type BatchWire = Wire<Omit<OpenAI.Batch, "status" | "errors"> & { status: string; errors: { object: "list"; data: BatchError[] } }>;

const WINDOW_S = 86_400;
const FINAL: readonly Status[] = ["completed", "failed", "expired", "cancelled"];

/**
 * One batch. Each step moves it on: validating → in_progress → … (lines, by shares) → finalizing → completed, or to where a
 * fault takes it; `cancelling` → cancelled. What was executed is billed at once and stays in the files of every end.
 */
export class PeerBatch {
  readonly id = `batch_${randomText(32)}`;
  /** Group under which the books count live batches. */
  readonly attempt: string;
  status: Status = "validating";
  private readonly world: World;
  private readonly input: StoredFile;
  private readonly endpoint: Endpoint;
  private readonly metadata: Record<string, string> | null;
  private readonly born: readonly BatchFault[];
  private readonly createdAt: number;
  private readonly stamps: Partial<Record<Stamp, number>> = {};
  private questions: readonly Question[] = [];
  private readonly executed: (Executed & { requestId: string })[] = [];
  private errors: BatchError[] | null = null;
  private readonly fileIds: { output: string | null; error: string | null } = { output: null, error: null };
  private polls = 0;
  private pollsAtEnd = 0;
  private lists = 0;
  private cancelSteps = 0;

  constructor(
    world: World,
    given: { input: StoredFile; endpoint: Endpoint; metadata: Record<string, string> | null; born: readonly BatchFault[] },
  ) {
    this.world = world;
    this.input = given.input;
    this.endpoint = given.endpoint;
    this.metadata = given.metadata;
    this.born = given.born;
    this.createdAt = world.clock.now();
    this.attempt = given.metadata?.["attempt"] ?? given.input.id;
    world.books.born(this.attempt);
  }

  get isFinal(): boolean {
    return FINAL.includes(this.status);
  }

  /** Tokens that count against the limit of the model; 0 before the validation and after the end. */
  enqueued(model: string): number {
    const counts = !this.isFinal && this.questions[0]?.body["model"] === model;
    return counts ? this.questions.reduce((sum, question) => sum + inputTokens(question), 0) : 0;
  }

  step(): void {
    if (this.isFinal) return;
    if (this.status !== "cancelling" && this.world.clock.now() >= this.createdAt + WINDOW_S * 1000) return this.end("expired");
    switch (this.status) {
      case "validating":
        return this.validate();
      case "in_progress":
        return this.run();
      case "finalizing":
        return this.end("completed");
      case "cancelling":
        return this.goOnCancelling();
      default:
        return;
    }
  }

  /** Throws the provider's 409 when there is nothing left to cancel. */
  cancel(): void {
    if (this.status === "cancelling" || this.status === "cancelled") return;
    if (this.isFinal) throw new Refusal(409, null, `Cannot cancel a batch with status '${this.status}'.`);
    this.cancelSteps = this.fault("cancel-slow")?.steps ?? 0;
    if (this.cancelSteps > 0) this.world.faults.count("cancel-slow");
    this.enter("cancelling", "cancelling_at");
    this.world.books.gone(this.attempt);
  }

  /** Whether a list that is asked for now may show it. */
  listed(): boolean {
    this.lists += 1;
    if (this.vanished()) {
      this.polls += 1;
      this.world.faults.count("vanish");
      return false;
    }
    const late = this.fault("list-late");
    if (late === undefined) return true;
    const hidden = this.lists <= (late.lists ?? 0) || this.world.clock.now() < this.createdAt + (late.ms ?? 0);
    if (hidden) this.world.faults.count("list-late");
    return !hidden;
  }

  /** What a poll sees. Throws the 404 of one that has vanished. */
  poll(): BatchWire {
    const vanished = this.vanished();
    this.polls += 1;
    if (!vanished) return this.wire();
    this.world.faults.count("vanish");
    throw new Refusal(404, null, `No batch found with id '${this.id}'.`, "batch_id");
  }

  record(): BatchRecord {
    const { id, metadata, status, polls } = this;
    const faults = this.born.map(({ fault }) => fault);
    const counts = { lines: this.questions.length, executed: this.executed.length };
    return {
      id,
      inputFileId: this.input.id,
      metadata,
      status,
      ...counts,
      polls,
      outputFileId: this.fileIds.output,
      errorFileId: this.fileIds.error,
      faults,
    };
  }

  wire(): BatchWire {
    const late = this.isFinal && this.polls - this.pollsAtEnd <= (this.fault("output-late")?.polls ?? 0);
    if (late && this.fileIds.output !== null) this.world.faults.count("output-late");
    const stamp = (name: Stamp): number | null => this.stamps[name] ?? null;
    return {
      id: this.id,
      object: "batch",
      endpoint: this.world.azure ? this.endpoint.slice("/v1".length) : this.endpoint,
      model: this.questions[0] === undefined ? null : String(this.questions[0].body["model"]),
      errors: this.errors === null ? null : { object: "list", data: this.errors },
      input_file_id: this.input.id,
      completion_window: "24h",
      status: this.shownStatus(),
      output_file_id: late ? null : this.fileIds.output,
      error_file_id: (late ? null : this.fileIds.error) ?? (this.world.azure ? "" : null),
      created_at: seconds(this.createdAt),
      in_progress_at: stamp("in_progress_at"),
      expires_at: seconds(this.createdAt) + WINDOW_S,
      finalizing_at: stamp("finalizing_at"),
      completed_at: stamp("completed_at"),
      failed_at: stamp("failed_at"),
      expired_at: stamp("expired_at"),
      cancelling_at: stamp("cancelling_at"),
      cancelled_at: stamp("cancelled_at"),
      request_counts: this.counts(),
      usage: this.isFinal && this.questions.length > 0 ? this.usage() : null,
      metadata: this.shownMetadata(),
    };
  }

  private validate(): void {
    const fail = this.fault("fail");
    const read = readLines(this.input.bytes.toString("utf8"), this.endpoint, this.world.models);
    const refused = fail === undefined ? (read.errors.length > 0 ? read.errors : this.overLimit(read.questions)) : [plain(fail)];
    if (fail !== undefined) this.world.faults.count("fail");
    if (refused !== null) {
      this.errors = refused;
      return this.end("failed");
    }
    this.questions = read.questions;
    this.enter("in_progress", "in_progress_at");
  }

  private overLimit(questions: readonly Question[]): BatchError[] | null {
    const model = String(questions[0]!.body["model"]);
    const limit = this.world.enqueuedTokens[model];
    const own = questions.reduce((sum, question) => sum + inputTokens(question), 0);
    if (limit === undefined || this.world.enqueued(model) + own <= limit) return null;
    this.world.faults.count("token_limit_exceeded");
    const message = `Enqueued token limit reached for ${model} in organization ${ORGANIZATION}. Limit: ${limit.toLocaleString("en-US")} enqueued tokens. Please try again once some in_progress batches have been completed.`;
    return [plain({ code: "token_limit_exceeded", message })];
  }

  private run(): void {
    const { length } = this.questions;
    const expire = this.fault("expire");
    const last = expire === undefined ? length : Math.floor(length * expire.share);
    this.execute(last);
    if (this.executed.length < last) return;
    if (expire === undefined) return this.enter("finalizing", "finalizing_at");
    this.world.faults.count("expire");
    this.end("expired");
  }

  private goOnCancelling(): void {
    if (this.cancelSteps === 0) return this.end("cancelled");
    this.cancelSteps -= 1;
    this.execute(this.questions.length);
  }

  /** The next share of the lines, none beyond `last`. */
  private execute(last: number): void {
    const share = Math.ceil(this.questions.length / this.world.runSteps);
    for (const question of this.questions.slice(this.executed.length, Math.min(last, this.executed.length + share))) {
      const requestId = `req_${randomText(24)}`;
      const done = this.failed() ?? execute(question, this.world.answerer, seconds(this.world.clock.now()));
      this.executed.push({ ...done, requestId });
      if (done.usage === null) continue;
      const model = String(question.body["model"]);
      const { endpoint, customId, text } = question;
      const attempt = this.metadata?.["attempt"] ?? null;
      this.world.books.bill({
        batchId: this.id,
        customId,
        attempt,
        requestId,
        endpoint,
        model,
        usage: done.usage,
        text: text.slice(0, 100),
      });
    }
  }

  private failed(): Executed | null {
    const fault = this.fault("fail-lines");
    if (fault === undefined || this.world.faults.random() >= fault.share) return null;
    this.world.faults.count("fail-lines");
    const body = errorBody(fault.status, fault.code ?? null, `The request failed with status ${fault.status}.`);
    return { status: fault.status, body, usage: null };
  }

  private end(status: Final): void {
    if (this.status !== "cancelling") this.world.books.gone(this.attempt);
    this.enter(status, `${status}_at`);
    this.pollsAtEnd = this.polls;
    const { good, bad } = resultLines(this.questions, this.executed, { expired: status === "expired", ids: !this.world.azure });
    this.fileIds.output = this.write("output", distorted(good, this.born, this.world.faults));
    this.fileIds.error = this.write("error", bad);
  }

  private write(kind: string, lines: readonly OutputLine[]): string | null {
    if (lines.length === 0) return null;
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const filename = `${this.id}_${kind}.jsonl`;
    return this.world.files.add({ bytes, filename, purpose: "batch_output", createdAt: this.world.clock.now(), expiresAt: null }).id;
  }

  private counts(): OpenAI.Batches.BatchRequestCounts {
    const completed = this.executed.filter(({ status }) => status === 200).length;
    const counts = { total: this.questions.length, completed, failed: this.executed.length - completed };
    const wrong = this.fault("counters");
    if (wrong === undefined) return counts;
    this.world.faults.count("counters");
    return { total: wrong.total ?? counts.total, completed: wrong.completed ?? completed, failed: wrong.failed ?? counts.failed };
  }

  private usage(): OpenAI.Batches.BatchUsage {
    const sum = (part: keyof Usage): number => this.executed.reduce((total, { usage }) => total + (usage?.[part] ?? 0), 0);
    return {
      input_tokens: sum("input"),
      input_tokens_details: { cached_tokens: sum("cached") },
      output_tokens: sum("output"),
      output_tokens_details: { reasoning_tokens: sum("reasoning") },
      total_tokens: sum("input") + sum("output"),
    };
  }

  private shownStatus(): string {
    const odd = this.fault("status");
    const shown = odd?.instead === this.status ? odd.as : this.status;
    if (shown !== this.status) this.world.faults.count("status");
    if (this.fault("upper-case") === undefined) return this.world.azure ? shown.toUpperCase() : shown;
    this.world.faults.count("upper-case");
    return shown.toUpperCase();
  }

  private shownMetadata(): Record<string, string> | null {
    if (this.fault("forget-metadata") === undefined) return this.metadata;
    this.world.faults.count("forget-metadata");
    return null;
  }

  private vanished(): boolean {
    if (this.fault("forgotten-at-end") !== undefined) return this.isFinal && this.polls > this.pollsAtEnd;
    const fault = this.fault("vanish");
    return fault !== undefined && this.polls >= fault.after && this.polls < fault.after + (fault.polls ?? Number.POSITIVE_INFINITY);
  }

  private enter(status: Status, stamp: Stamp): void {
    this.status = status;
    this.stamps[stamp] = seconds(this.world.clock.now());
  }

  private fault<K extends BatchFault["fault"]>(name: K): Extract<BatchFault, { fault: K }> | undefined {
    return this.born.find((fault): fault is Extract<BatchFault, { fault: K }> => fault.fault === name);
  }
}

const plain = ({ code, message }: { code: string; message: string }): BatchError => ({ code, message, line: null, param: null });
