import { Worker } from "node:worker_threads";

/** Written since the last checkpoint before the next one starts: small enough for a short log, large enough to be rare. */
const CHARS_A_CHECKPOINT = 16 * 1024 * 1024;
/** 32 MiB: a log longer than this is made to start anew, at the price of one short stop for the disk. */
const LONG_LOG_PAGES = 8192;

/**
 * Checkpoints in a thread: copying the log into the database and syncing it takes longer than all commits together, and
 * would stop the event loop meanwhile. When the log has grown long, the few frames written in the meantime are copied
 * by `finish` on the main connection, which lets SQLite start the log anew instead of growing it. Without a thread (it could
 * not start, or died) SQLite's own automatic checkpoints at 64 MiB remain.
 */
export class Checkpointer {
  private readonly path: string;
  private readonly finish: () => void;
  private thread: Worker | null = null;
  private written = 0;
  private busy = false;

  constructor(path: string, finish: () => void) {
    this.path = path;
    this.finish = finish;
  }

  /** Counts what was committed. */
  wrote(chars: number): void {
    this.written += chars;
    if (this.written < CHARS_A_CHECKPOINT || this.busy) return;
    this.written = 0;
    this.busy = true;
    this.open().postMessage("go");
  }

  close(): void {
    this.thread?.removeAllListeners();
    void this.thread?.terminate();
    this.thread = null;
    this.busy = true;
  }

  /** Nobody waits for a checkpoint: one that finds the disk full is made up for by the next. */
  private tryToFinish(): void {
    try {
      this.finish();
    } catch {
      this.written = 0;
    }
  }

  private open(): Worker {
    if (this.thread === null) {
      const file = import.meta.url.endsWith(".ts") ? "./checkpoint-thread.ts" : "./checkpoint-thread.js";
      this.thread = new Worker(new URL(file, import.meta.url), { workerData: { path: this.path } });
      this.thread.unref();
      this.thread.on("message", (pages: number) => {
        this.busy = false;
        if (pages > LONG_LOG_PAGES) this.tryToFinish();
      });
      this.thread.on("error", () => this.close());
    }
    return this.thread;
  }
}
