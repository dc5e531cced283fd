/** One frame of a server-sent event stream. */
export interface Frame {
  event: string;
  /** Null when the frame carries none. */
  id: string | null;
  data: string;
  /** Milliseconds the server asks to wait before the next connection; null when it does not. */
  retry: number | null;
}

/**
 * Frames out of pieces of text, however they are cut. Follows the HTML standard's event stream format: `\n`, `\r\n` and
 * `\r` end a line, a blank line ends a frame, a line that starts with a colon is a comment.
 */
export class FrameParser {
  #rest = "";
  #event = "";
  #id: string | null = null;
  #retry: number | null = null;
  #data: string[] = [];

  push(piece: string): Frame[] {
    this.#rest += piece;
    const frames: Frame[] = [];
    const ends = /\r\n|\n|\r/g;
    let from = 0;
    for (let match = ends.exec(this.#rest); match !== null; match = ends.exec(this.#rest)) {
      // A carriage return at the very end may be the first half of \r\n: wait for the rest.
      if (match[0] === "\r" && match.index === this.#rest.length - 1) break;
      const line = this.#rest.slice(from, match.index);
      from = match.index + match[0].length;
      if (line === "") this.#finish(frames);
      else this.#take(line);
    }
    this.#rest = this.#rest.slice(from);
    return frames;
  }

  #take(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.#retry = Number(value);
  }

  #finish(frames: Frame[]): void {
    if (this.#data.length > 0 || this.#retry !== null) {
      frames.push({ event: this.#event === "" ? "message" : this.#event, id: this.#id, data: this.#data.join("\n"), retry: this.#retry });
    }
    this.#event = "";
    this.#id = null;
    this.#retry = null;
    this.#data = [];
  }
}
