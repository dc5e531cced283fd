import type { Endpoint, Usage } from "./answers.ts";
import type { Call } from "./faults.ts";

/** One executed request, to be paid whatever became of its answer. */
export interface BilledLine {
  /** Null online. */
  batchId: string | null;
  customId: string | null;
  /** `metadata.attempt` of the batch. */
  attempt: string | null;
  /** `x-request-id` of the online answer, `response.request_id` of the line. */
  requestId: string;
  endpoint: Endpoint;
  model: string;
  usage: Usage;
  /** The first 100 characters of what the user said. */
  text: string;
}

/** A batch that was ever created, also when its reply was lost or it has vanished since. */
export interface BatchRecord {
  id: string;
  inputFileId: string;
  metadata: Record<string, string> | null;
  /** The true one. */
  status: string;
  lines: number;
  executed: number;
  /** How often it was shown, by retrieve and in lists. */
  polls: number;
  outputFileId: string | null;
  errorFileId: string | null;
  /** The faults it was born with. */
  faults: readonly string[];
}

/** Batches that carry the same `metadata.attempt`; live = not ended and not being cancelled. */
export interface AttemptRecord {
  created: number;
  live: number;
  mostLive: number;
}

export interface PeerRecord {
  billed: readonly BilledLine[];
  batches: readonly BatchRecord[];
  /** By attempt; batches without one count under their input file. */
  attempts: Record<string, AttemptRecord>;
  /** How often each fault showed; answers as `answer 429`. */
  fired: Record<string, number>;
  /** How often each call was acted on, or met a fault that comes before that. */
  calls: Partial<Record<Call, number>>;
}

/** Keeps what was executed and how many batches of an attempt live at once, and tells who waits for a call. */
export class Books {
  readonly billed: BilledLine[] = [];
  readonly attempts: Record<string, AttemptRecord> = {};
  readonly calls: Partial<Record<Call, number>> = {};
  private waiting: { call: Call; count: number; tell: () => void }[] = [];

  bill(line: BilledLine): void {
    this.billed.push(line);
  }

  born(attempt: string): void {
    const record = (this.attempts[attempt] ??= { created: 0, live: 0, mostLive: 0 });
    record.created += 1;
    record.live += 1;
    record.mostLive = Math.max(record.mostLive, record.live);
  }

  gone(attempt: string): void {
    this.attempts[attempt]!.live -= 1;
  }

  arrived(call: Call): void {
    const count = (this.calls[call] = (this.calls[call] ?? 0) + 1);
    const due = this.waiting.filter((each) => each.call === call && each.count <= count);
    this.waiting = this.waiting.filter((each) => !due.includes(each));
    for (const { tell } of due) tell();
  }

  /** Resolves when the call has been noted so often in all. */
  seen(call: Call, count: number): Promise<void> {
    if ((this.calls[call] ?? 0) >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ call, count, tell: resolve }));
  }
}
