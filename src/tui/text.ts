import stringWidth from "string-width";
import { clean } from "../terminal/terminal.ts";

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

const MARKS = /(\p{M}{2})\p{M}+/gu;
const FLAG = /[\u{1f1e6}-\u{1f1ff}]/gu;

/**
 * Foreign text on one line: nothing in it steers a terminal, and a line break is a blank. Terminals do not agree on how wide
 * joined emoji, skin tones, flags and variation selectors are, and a wrong guess shifts what follows: of a joined emoji the
 * first stays, of a flag its letters; marks do not pile up over a letter.
 */
export function foreign(text: string): string {
  const line = clean(text.replace(/\s+/g, " ").trim());
  if (SINGLE.test(line)) return line;
  return line
    .toWellFormed()
    .normalize("NFC")
    .replace(/(?:\u200d\P{M}\p{M}*)+/gu, "")
    .replace(/\p{Default_Ignorable_Code_Point}|\p{Emoji_Modifier}|\u20e3/gu, "")
    .replace(FLAG, (sign) => String.fromCodePoint(sign.codePointAt(0)! - 0x1f1e6 + 0x41))
    .replace(MARKS, "$1");
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

/** At most `width` columns of its end; what is cut begins with `…`. */
export function cutFront(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const signs = signsOf(text);
  let used = 1;
  let from = signs.length;
  while (from > 0 && used + widthOf(signs[from - 1]!) <= width) used += widthOf(signs[--from]!);
  return width <= 0 ? "" : `…${signs.slice(from).join("")}`;
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

/** As many parts as have room: none is cut. */
export function joined(parts: readonly Line[], gap: Span, width: number): Line {
  const line: Span[] = [];
  let used = 0;
  for (const part of parts) {
    const wide = lineWidth(part) + (line.length === 0 ? 0 : widthOf(gap.text));
    if (used + wide > width) break;
    if (line.length > 0) line.push(gap);
    line.push(...part);
    used += wide;
  }
  return line;
}

/** Words broken into lines of at most `width` columns; what is longer than a line goes on in the next one. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) line = longer;
    else {
      if (line !== "") lines.push(line);
      const pieces = piecesOf(word, width);
      line = pieces.pop() ?? "";
      lines.push(...pieces);
    }
  }
  return line === "" ? lines : [...lines, line];
}

function piecesOf(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  for (const sign of signsOf(word)) {
    if (piece !== "" && widthOf(piece) + widthOf(sign) > width) {
      pieces.push(piece);
      piece = "";
    }
    piece += sign;
  }
  return [...pieces, piece];
}
