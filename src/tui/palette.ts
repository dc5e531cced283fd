import { clean } from "../terminal/terminal.ts";
import { PLAIN, type Glyphs } from "./glyphs.ts";
import { signsOf, widthOf, type Line, type Tone } from "./text.ts";

/** SGR parameters: the sixteen colours every terminal has, as its owner set them. */
const CODES: Readonly<Record<Tone, string>> = {
  plain: "",
  soft: "2",
  strong: "1",
  good: "32",
  warn: "33",
  bad: "31",
  busy: "36",
  accent: "1;36",
  chosen: "7",
};

/** How lines become text for the terminal. */
export interface Palette {
  /** Whether escape codes are used at all. */
  readonly color: boolean;
  readonly glyphs: Glyphs;
}

/** The line as it goes to a terminal. `grey`: everything soft, as an old picture. */
export function painted(line: Line, palette: Palette, grey = false): string {
  const plain = palette.glyphs === PLAIN;
  return line
    .map(({ text, tone }) => {
      // Texts come here clean; one that was forgotten, or a word that no such server should say, does no harm either.
      const written = plain ? asciiOf(text) : clean(text);
      const code = grey && tone !== "chosen" ? CODES.soft : CODES[tone];
      return palette.color && code !== "" && written !== "" ? `\u001b[${code}m${written}\u001b[0m` : written;
    })
    .join("");
}

/** Only what an ASCII terminal has; a character it lacks takes as many columns as before, so that columns stay columns. */
function asciiOf(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const known: Readonly<Record<string, string>> = { "…": "~", "—": "-", "·": "|", "×": "x" };
  return signsOf(text)
    .map((sign) => known[sign] ?? (/^[\x20-\x7e]$/.test(sign) ? sign : "?".repeat(widthOf(sign))))
    .join("");
}
