import { constants } from "node:os";
import type { ReadStream, WriteStream } from "node:tty";
import type { Size } from "./frame.ts";

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[H";
const LEAVE = "\u001b[?1049l\u001b[?25h";
/** What follows appears at once, where a terminal knows of it; Ink's first frame ends it, and begins where the cursor stands. */
const TOGETHER = "\u001b[?2026h\u001b[H";
const ERASED = "\u001b[J";
const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const;

/** What stands on the screen, and how large it was then. */
export interface HeldFrame {
  readonly size: Size;
  readonly lines: readonly string[];
}

/**
 * The alternate screen with one frame on it, until Ink takes it over:
 *
 *     draw → handOver     Ink holds the screen now, and gives it back
 *     draw → release      given back here: an end, a signal or a crash before Ink was there
 */
export class HeldScreen {
  readonly #out: WriteStream;
  readonly #input: ReadStream;
  #held = false;
  #frame: HeldFrame | null = null;
  readonly #ended = (): void => this.#leave();
  readonly #signalled = (signal: NodeJS.Signals): void => {
    this.#leave();
    process.exit(128 + constants.signals[signal]);
  };

  constructor(out: WriteStream, input: ReadStream) {
    this.#out = out;
    this.#input = input;
  }

  draw(lines: (size: Size) => readonly string[]): void {
    this.#held = true;
    process.once("exit", this.#ended);
    for (const signal of SIGNALS) process.once(signal, this.#signalled);
    // Keys that are pressed already are not echoed; Ink reads them.
    this.#input.setRawMode(true);
    const size = this.#size();
    this.#frame = { size, lines: lines(size) };
    this.#out.write(ENTER + this.#frame.lines.join("\r\n"));
  }

  /**
   * Lets `take` have the screen. It is given the frame to begin with: what is drawn over itself does not flicker, and where the
   * terminal has changed its size meanwhile, null and an empty screen.
   */
  handOver<T>(take: (frame: HeldFrame | null) => T): T {
    const { columns, rows } = this.#size();
    const same = this.#frame?.size.columns === columns && this.#frame.size.rows === rows;
    this.#out.write(same ? TOGETHER : TOGETHER + ERASED);
    const taken = take(same ? this.#frame : null);
    this.#forget();
    return taken;
  }

  release(): void {
    this.#leave();
  }

  #size(): Size {
    return { columns: this.#out.columns, rows: this.#out.rows };
  }

  #forget(): void {
    this.#held = false;
    process.off("exit", this.#ended);
    for (const signal of SIGNALS) process.off(signal, this.#signalled);
  }

  #leave(): void {
    if (!this.#held) return;
    this.#forget();
    this.#input.setRawMode(false);
    this.#out.write(LEAVE);
  }
}
