/** One element of a JSON array: its text, or what is wrong with it, and the line it starts on. */
export type JsonElement = { line: number; text: string; fault?: undefined } | { line: number; text?: undefined; fault: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LF = 0x0a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Cuts the text of one JSON array into its elements, block by block, by brackets and strings alone; JSON.parse judges each.
 *
 *     before ──[──→ inside ──]──→ after
 */
export class JsonArray {
  /** The first character is no `[`: this is another kind of file. */
  notAnArray = false;
  private readonly maxElementLength: number;
  private phase: "before" | "inside" | "after" = "before";
  /** Text of the element that is not complete. */
  private rest = "";
  private depth = 0;
  private quoted = false;
  private escaped = false;
  private tooLong = false;
  private line = 1;
  private elementLine = 0;
  private elements = 0;
  private trailing = false;

  constructor(maxElementLength: number) {
    this.maxElementLength = maxElementLength;
  }

  feed(text: string): JsonElement[] {
    const found: JsonElement[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === LF) {
        this.line += 1;
      } else if (this.phase !== "inside") {
        if (code === 0x20 || code === 0x09 || code === 0x0d) continue;
        if (this.phase === "before" && code === OPEN_ARRAY) {
          this.phase = "inside";
          start = at + 1;
          continue;
        }
        if (this.phase === "before") this.notAnArray = true;
        else if (!this.trailing) {
          this.trailing = true;
          found.push({ line: this.line, fault: `Line ${this.line} has text after the end of the array; remove it` });
        }
        return found;
      } else if (this.quoted) {
        if (this.escaped) this.escaped = false;
        else if (code === BACKSLASH) this.escaped = true;
        else if (code === QUOTE) this.quoted = false;
      } else if (code > 0x20) {
        if (this.depth === 0 && (code === COMMA || code === CLOSE_ARRAY)) {
          this.take(this.rest + text.slice(start, at), code === CLOSE_ARRAY, found);
          start = at + 1;
          if (code === CLOSE_ARRAY) this.phase = "after";
          continue;
        }
        if (this.elementLine === 0) this.elementLine = this.line;
        if (code === QUOTE) this.quoted = true;
        else if (code === OPEN_OBJECT || code === OPEN_ARRAY) this.depth += 1;
        else if ((code === CLOSE_OBJECT || code === CLOSE_ARRAY) && this.depth > 0) this.depth -= 1;
      }
    }
    if (this.phase === "inside" && !this.tooLong) {
      this.rest += text.slice(start);
      // The element is dropped, its end is still looked for.
      if (this.rest.length > this.maxElementLength) {
        this.rest = "";
        this.tooLong = true;
      }
    }
    return found;
  }

  end(): JsonElement[] {
    if (this.phase === "after") return [];
    if (this.phase === "before") {
      this.notAnArray = true;
      return [];
    }
    const line = this.elementLine === 0 ? this.line : this.elementLine;
    return [{ line, fault: `The file ends inside the array (the last element starts in line ${line}); it was cut off` }];
  }

  private take(text: string, last: boolean, found: JsonElement[]): void {
    const line = this.elementLine === 0 ? this.line : this.elementLine;
    const blank = this.elementLine === 0;
    this.elementLine = 0;
    this.rest = "";
    if (blank && last && this.elements === 0) return;
    this.elements += 1;
    if (this.tooLong || text.length > this.maxElementLength)
      found.push({
        line,
        fault: `Line ${line} starts an element longer than ${this.maxElementLength} characters; an item must be smaller`,
      });
    else if (blank) found.push({ line, fault: `Line ${line} has a comma without an element; remove it` });
    else found.push({ line, text });
    this.tooLong = false;
  }
}
