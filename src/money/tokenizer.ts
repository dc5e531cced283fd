import { createRequire } from "node:module";
import type * as O200k from "gpt-tokenizer/encoding/o200k_base";

/** Encodings that models still use; the first is that of everything new. */
type Encoding = "o200k_base" | "cl100k_base" | "p50k_base" | "r50k_base";
const FALLBACK: Encoding = "o200k_base";

type Library = Pick<typeof O200k, "countTokens" | "setMergeCacheSize">;

const require = createRequire(import.meta.url);
const libraries = new Map<Encoding, Library>();

/** A megabyte or two of ranks each, half a second of a small machine: loaded with the first text that is counted in it. */
function libraryOf(encoding: Encoding): Library {
  let library = libraries.get(encoding);
  if (library === undefined) {
    library = require(`gpt-tokenizer/encoding/${encoding}`) as Library;
    // The default remembers 100,000 merges, which texts of many scripts fill with hundreds of megabytes.
    library.setMergeCacheSize(10_000);
    libraries.set(encoding, library);
  }
  return library;
}

/** Families of models by the beginning of their names, the first that fits; everything newer has the encoding of the newest. */
const FAMILIES: readonly (readonly [RegExp, Encoding])[] = [
  [/^(gpt-(4o|4\.\d|[5-9]|[1-9]\d|oss|audio|realtime|chat|image)|chatgpt-|o[1-9]|codex|computer-use)/, "o200k_base"],
  [/^(gpt-(4|3\.5|35)|text-embedding-(3|ada-002)|(babbage|davinci)-002)/, "cl100k_base"],
  [/^(text-davinci-00[23]|text-davinci-edit|code-(davinci|cushman)|davinci-codex|cushman-codex)/, "p50k_base"],
  [/^(gpt-?2|(text-|code-)?(search-|similarity-)?(ada|babbage|curie|davinci))/, "r50k_base"],
];

/** The encoding of a model; null when none is known for it. Snapshots and fine-tuned models have that of their model. */
function encodingOf(model: string): Encoding | null {
  const name = model.toLowerCase().replace(/^ft:/, "");
  return FAMILIES.find(([family]) => family.test(name))?.[1] ?? null;
}

/** Characters of a run without a break in it that are counted at once: merging takes time with the square of their number. */
const RUN = 48;
const LONG_RUN = new RegExp(`\\S{${2 * RUN},}|\\s{${2 * RUN},}`, "u");
const RUNS = new RegExp(`\\S{${2 * RUN},}|\\s{${2 * RUN},}`, "gu");

/** Counts tokens as a model does. Runs of more than 96 characters without a break are counted in pieces: a few percent too many. */
export class Tokenizer {
  /** False: no encoding is known for the model, and o200k_base is used instead. */
  readonly exact: boolean;
  readonly encoding: Encoding;

  constructor(model: string) {
    const encoding = encodingOf(model);
    this.exact = encoding !== null;
    this.encoding = encoding ?? FALLBACK;
  }

  count(text: string): number {
    const library = libraryOf(this.encoding);
    if (text.length < 2 * RUN || !LONG_RUN.test(text)) return library.countTokens(text, PLAIN);
    let tokens = 0;
    let from = 0;
    for (const { index, 0: run } of text.matchAll(RUNS)) {
      if (index > from) tokens += library.countTokens(text.slice(from, index), PLAIN);
      const letters = Array.from(run);
      for (let at = 0; at < letters.length; at += RUN) tokens += library.countTokens(letters.slice(at, at + RUN).join(""), PLAIN);
      from = index + run.length;
    }
    return from < text.length ? tokens + library.countTokens(text.slice(from), PLAIN) : tokens;
  }
}

/** Text that looks like a special token is text, and no error. */
const PLAIN = { disallowedSpecial: new Set<string>() };
