export const SCAN_CODES = [
  "bad_json",
  "too_deep",
  "too_many_keys",
  "key_too_long",
  "duplicate_key",
  "nul_character",
  "bad_unicode",
  "number_out_of_range",
  "item_not_object",
  "forbidden_key",
] as const;
export type ScanCode = (typeof SCAN_CODES)[number];

/** The sentence of a fault: what is wrong, and what helps. */
export function faultMessage(code: ScanCode, values: Record<string, string | number>): string {
  switch (code) {
    case "bad_json":
      return String(values["reason"]);
    case "too_deep":
      return `objects and arrays are nested deeper than ${values["limit"]}; flatten the value or send it as a string`;
    case "too_many_keys":
      return `there are more than ${values["limit"]} keys; split the item or use arrays`;
    case "key_too_long":
      return `a key is longer than ${values["limit"]} characters; long text belongs in a value`;
    case "duplicate_key":
      return `the key "${values["key"]}" stands twice in one object; keep one of them`;
    case "nul_character":
      return "the character NUL (\\u0000) cannot be stored; remove it";
    case "bad_unicode":
      return "half of a surrogate pair is not a character; both \\uD83D\\uDE00-like halves must be there";
    case "number_out_of_range":
      return "inexact" in values
        ? `the integer ${values["inexact"]} is too large to be exact (largest: 9007199254740991); send it as a string`
        : `the number ${values["number"]} is too large for a double (largest: about 1.8e308); send it as a string`;
    case "item_not_object":
      return `an item is a JSON object, this is ${values["found"]}; wrap it: {"value": …}`;
    case "forbidden_key":
      return `the key "${values["key"]}" is not allowed in a request`;
  }
}

/** Words of other languages at the place of a value, and what JSON has for them. */
const WORDS: readonly [RegExp, string][] = [
  [/^-?(NaN|Infinity|inf|nan)\b/, "NaN and Infinity are not JSON; use null or a string"],
  [/^(True|TRUE)\b/, "write true in lower case"],
  [/^(False|FALSE)\b/, "write false in lower case"],
  [/^(None|NULL|Null|nil|undefined)\b/, "write null"],
];

/** Why the text is not JSON at position `i`, with the cure when the mistake is a known one. */
export function explain(text: string, i: number, expected: string, isLine: boolean): string {
  const start = text.search(/[^ \t\r\n]/);
  if (start === -1) return "there is nothing but white space; expected a JSON value";
  if (looksLikeCsv(text, start)) return "this looks like CSV, not JSON; upload it as CSV or write one JSON object per line";

  if (i >= text.length) {
    const cut = isLine ? " (cut off? One item is one line: pretty-printed JSON must be put on one line)" : " (cut off?)";
    return `the text ends where ${expected} is expected${cut}`;
  }
  const rest = text.slice(i, i + 40);
  const c = rest.charAt(0);
  const before = text.slice(Math.max(0, i - 100), i).trimEnd();
  const sign = before.endsWith("-") ? `-${rest}` : rest;
  const word = WORDS.find(([pattern]) => pattern.test(sign));
  if (word !== undefined) return word[1];
  if ((c === "}" || c === "]") && before.endsWith(",")) return "there is a comma after the last entry; remove it";
  if (c === "'" || c === "`") return "strings take double quotes";
  if (/[“”„‘’]/.test(c)) return "these are typographic quotes; strings take the plain double quote";
  if (rest.startsWith("//") || rest.startsWith("/*") || c === "#") return "comments are not JSON; remove them";
  if (c === "\uFEFF") return "a byte order mark stands in the middle of the text; remove it";
  if (c === "\u00A0") return "this is a no-break space; use a plain space";
  if (expected === "the end" && (c === "{" || c === "[")) return "a second value follows; put each item on its own line";
  if (expected.startsWith("a key") && /[\w$]/.test(c)) return "keys take double quotes";
  if (c === "+") return "a number takes no leading +";
  if (c === ".") return "a number takes a digit before the decimal point";
  return `found ${shown(text, i)} where ${expected} is expected`;
}

/** The first line of a table: no brace or bracket at the start, and a separator. */
export function looksLikeCsv(text: string, start: number): boolean {
  const first = text.charAt(start);
  return (
    first !== "{" &&
    first !== "[" &&
    first !== "\0" &&
    /[,;\t]/.test(text.slice(start, start + 4096)) &&
    !/^(["'])?[{[]/.test(text.slice(start))
  );
}

function shown(text: string, i: number): string {
  const point = text.codePointAt(i) ?? 0;
  const name = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  return point < 0x21 || (point > 0x7e && point < 0xa1) || (point >= 0xd800 && point <= 0xdfff) ? name : `'${String.fromCodePoint(point)}'`;
}
