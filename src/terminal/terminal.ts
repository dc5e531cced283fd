import { once } from "node:events";
import type { Writable } from "node:stream";
import { terminalFromProcess, type Surroundings } from "../config.ts";

/** Where a command speaks: data on `out`, everything said to a person on `err`. */
export interface Terminal {
  /** Writes data and waits while its reader is slower. */
  out(piece: string | Uint8Array): Promise<void>;
  /** One line to the person at the terminal. */
  say(line: string): void;
  /** Rewrites the last line of stderr; only where `animated`. */
  draw(line: string): void;
  /** Whether stderr can be redrawn in place. */
  readonly animated: boolean;
  /** Colours for texts on stdout and on stderr. */
  readonly outPaint: Paint;
  readonly errPaint: Paint;
  /** Columns of stderr. */
  readonly columns: number;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Paint = (style: keyof typeof CODES, text: string) => string;

interface Stream extends Writable {
  isTTY?: boolean;
  columns?: number;
}

export function createTerminal(
  out: Stream = process.stdout,
  err: Stream = process.stderr,
  surroundings: Surroundings = terminalFromProcess(),
): Terminal {
  const animated = err.isTTY === true && !surroundings.ci && !surroundings.dumb;
  let drawn = false;
  const clear = (): void => {
    if (drawn) err.write("\r\u001b[2K");
    drawn = false;
  };
  return {
    async out(piece) {
      if (!out.write(piece)) await once(out, "drain");
    },
    say(line) {
      clear();
      err.write(`${line}\n`);
    },
    draw(line) {
      clear();
      err.write(line);
      drawn = true;
    },
    animated,
    outPaint: painter((out.isTTY === true || surroundings.forced) && surroundings.color),
    errPaint: painter((err.isTTY === true || surroundings.forced) && surroundings.color),
    get columns() {
      return err.columns ?? surroundings.columns ?? 80;
    },
  };
}

function painter(color: boolean): Paint {
  return (style, text) => (color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

/** Foreign text without control characters: names and errors come from users and must not steer a terminal. */
export function clean(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}
