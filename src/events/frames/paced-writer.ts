import type { Clock } from "../../model/clock.ts";
import { MAX_FLUSH_BYTES } from "./coalescer.ts";

/** After a write the writer rests this many times as long: writing takes at most a third of the time, whoever asks for how much. */
const REST = 2;

/**
 * Writes the same to many readers, and joins what comes while it rests. With few readers a write takes no time and nothing
 * waits; with a thousand, many small flushes become few writes, and the loop stays free for what must go at once.
 */
export class PacedWriter<Piece> {
  private readonly clock: Clock;
  private readonly write: (pieces: readonly Piece[]) => void;
  private waiting: Piece[] = [];
  private bytes = 0;
  private restsUntil = -Infinity;
  private cancelTimer: () => void = () => undefined;

  constructor(options: { clock: Clock; write: (pieces: readonly Piece[]) => void }) {
    this.clock = options.clock;
    this.write = options.write;
  }

  push(piece: Piece, bytes: number, urgent: boolean): void {
    if (this.bytes + bytes > MAX_FLUSH_BYTES) this.flush();
    this.waiting.push(piece);
    this.bytes += bytes;
    const restsFor = this.restsUntil - this.clock.elapsed();
    if (urgent || restsFor <= 0) this.flush();
    else if (this.waiting.length === 1) this.cancelTimer = this.clock.after(Math.ceil(restsFor), () => this.flush());
  }

  /** Writes what waits, now. */
  flush(): void {
    this.cancelTimer();
    const pieces = this.waiting;
    if (pieces.length === 0) return;
    this.waiting = [];
    this.bytes = 0;
    const started = this.clock.elapsed();
    this.write(pieces);
    const ended = this.clock.elapsed();
    this.restsUntil = ended + REST * (ended - started);
  }

  /** Forgets what waits. */
  close(): void {
    this.cancelTimer();
    this.waiting = [];
    this.bytes = 0;
  }
}
