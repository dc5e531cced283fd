/** Number formats 14..22, 27..36, 45..47 and 50..58 are dates or times in every workbook (ECMA-376 part 1, 18.8.30). */
const BUILT_IN_DATES: readonly [number, number][] = [
  [14, 22],
  [27, 36],
  [45, 47],
  [50, 58],
];

export function isDateFormat(id: number, code: string | undefined): boolean {
  if (code === undefined) return BUILT_IN_DATES.some(([from, to]) => id >= from && id <= to);
  // Colours, conditions, locales, quoted and escaped text say nothing; elapsed time ([h]:mm) is a date format too.
  const bare = code
    .split(";", 1)[0]!
    .replace(/\[(?!(?:h+|m+|s+)\])[^\]]*\]/gi, "")
    .replace(/"[^"]*"|\\.|_.|\*./g, "");
  return !/general/i.test(bare) && /[dmyhs]/i.test(bare);
}

const DAY_MS = 86_400_000;
/** Days from Excel's two origins to 1970-01-01. The 1900 one counts a 29 February 1900 that never was; only days before that differ. */
const DAYS_1900 = 25_569;
const DAYS_1904 = 24_107;

/** ISO 8601 UTC of a serial day number, or the number itself when it is no day of the years 1..9999. */
export function dateOf(serial: number, date1904: boolean): string | number {
  const days = date1904 ? serial - DAYS_1904 : (serial < 60 && serial >= 1 ? serial + 1 : serial) - DAYS_1900;
  const date = new Date(Math.round(days * DAY_MS));
  const year = date.getUTCFullYear();
  return Number.isNaN(year) || year < 1 || year > 9999 ? serial : date.toISOString();
}

/** 0-based column of a reference such as "AB12"; -1 when there are no letters. */
export function columnOf(reference: string): number {
  let column = 0;
  for (let at = 0; at < reference.length; at++) {
    const letter = reference.charCodeAt(at) - 64;
    if (letter < 1 || letter > 26) break;
    column = column * 26 + letter;
  }
  return column - 1;
}

/** "A", "B", … "AA" of a 0-based column. */
export function columnName(column: number): string {
  let name = "";
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26)) name = String.fromCharCode(65 + ((rest - 1) % 26)) + name;
  return name;
}

/** Characters that XML cannot hold are written _xHHHH_ (ECMA-376 part 1, 22.9.2.19). */
export function unescapeText(text: string): string {
  return text.includes("_x")
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}

/** The reverse: also protects text that merely looks escaped. */
export function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
    .replace(
      /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g,
      (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`,
    )
    .replace(/[&<>]/g, (character) => (character === "&" ? "&amp;" : character === "<" ? "&lt;" : "&gt;"));
}
