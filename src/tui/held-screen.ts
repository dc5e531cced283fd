import { constants } from "node:os";
import type { ReadStream, WriteStream } from "node:tty";
import type { Size } from "./frame.ts";

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[H";
const LEAVE = "\u001b[?1049l\u001b[?25h";
/** What follows appears at once, where a terminal knows of it; Ink's first frame ends it. It begins where the cursor stands. */
const TOGETHER = "\u001b[?2026h\u001b[H\u001b[J";
const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;

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
    this.#out.write(ENTER + lines({ columns: this.#out.columns, rows: this.#out.rows }).join("\r\n"));
  }

  handOver(): void {
    this.#forget();
    this.#out.write(TOGETHER);
  }

  release(): void {
    this.#leave();
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
