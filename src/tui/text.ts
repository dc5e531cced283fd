import stringWidth from "string-width";
import { clean } from "../cli/terminal.ts";

/** What a piece of text means; how that looks is the palette's matter. */
export type Tone = "plain" | "soft" | "strong" | "good" | "warn" | "bad" | "busy" | "accent" | "chosen";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of the screen. */
export type Line = readonly Span[];

export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

/** What takes one column a code unit: ASCII, Latin, and the signs that are drawn with. */
const SINGLE = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u203a\u2190-\u21ff\u2212\u2500-\u25fc\u2713\u2717]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What a reader takes for one character, each. */
export function signsOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** Columns a terminal needs for it. */
export function widthOf(text: string): number {
  return SINGLE.test(text) ? text.length : stringWidth(text);
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** Foreign text on one line: nothing in it steers a terminal, and a line break is a blank. */
export function foreign(text: string): string {
  return clean(text.replace(/\s+/g, " ").trim());
}

/** At most `width` columns; what is cut ends in `…`. Wide characters are never halved. */
export function cut(text: string, width: number): string {
  if (width <= 0) return "";
  if (widthOf(text) <= width) return text;
  let taken = "";
  let used = 0;
  for (const sign of signsOf(text)) {
    const wide = widthOf(sign);
    if (used + wide > width - 1) break;
    taken += sign;
    used += wide;
  }
  return `${taken}…`;
}

/** Exactly `width` columns. */
export function fit(text: string, width: number, right = false): string {
  const short = cut(text, width);
  const blanks = " ".repeat(Math.max(0, width - widthOf(short)));
  return right ? blanks + short : short + blanks;
}

/** Exactly `width` columns, cut or filled with blanks at its end. */
export function fitLine(line: Line, width: number): Line {
  const fitted: Span[] = [];
  let left = width;
  for (const { text, tone } of line) {
    if (left <= 0) break;
    const short = cut(text, left);
    fitted.push({ text: short, tone });
    left -= widthOf(short);
  }
  if (left > 0) fitted.push(span(" ".repeat(left)));
  return fitted;
}

/** `left` and `right` at the two ends of a line; `right` gives way last. */
export function apart(left: Line, right: Line, width: number): Line {
  const aside = lineWidth(right);
  if (aside >= width) return fitLine(right, width);
  return [...fitLine(left, width - aside), ...right];
}

/** Words broken into lines of at most `width` columns. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) line = longer;
    else {
      if (line !== "") lines.push(line);
      line = cut(word, width);
    }
  }
  return line === "" ? lines : [...lines, line];
}
