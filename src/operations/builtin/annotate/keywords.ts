/** A word of a text with what the tagger says about it. */
export interface TaggedWord {
  /** Lower case. */
  word: string;
  pos: string;
  stop: boolean;
}

const CONTENT = new Set(["NOUN", "PROPN", "ADJ"]);
const HEADS = new Set(["NOUN", "PROPN"]);
const MAX_WORDS = 3;

/**
 * Keywords by RAKE (Rose et al., 2010) over part-of-speech tags: candidates are runs of at most three nouns, names and
 * adjectives that end in a noun or name; a word scores degree ÷ frequency, a candidate the sum of its words times how often it
 * occurs. Best first, ties in order of the text; a candidate inside a better one is left out.
 */
export function keywords(words: readonly TaggedWord[], limit: number): string[] {
  const candidates = candidatesOf(words);
  const frequency = new Map<string, number>();
  const degree = new Map<string, number>();
  for (const candidate of candidates) {
    for (const word of candidate) {
      frequency.set(word, (frequency.get(word) ?? 0) + 1);
      degree.set(word, (degree.get(word) ?? 0) + candidate.length);
    }
  }
  const scores = new Map<string, number>();
  for (const candidate of candidates) {
    const score = candidate.reduce((sum, word) => sum + degree.get(word)! / frequency.get(word)!, 0);
    const phrase = candidate.join(" ");
    scores.set(phrase, (scores.get(phrase) ?? 0) + score);
  }
  const chosen: string[] = [];
  for (const [phrase] of [...scores].sort(([, a], [, b]) => b - a)) {
    if (chosen.length === limit) break;
    if (!chosen.some((better) => ` ${better} `.includes(` ${phrase} `))) chosen.push(phrase);
  }
  return chosen;
}

function candidatesOf(words: readonly TaggedWord[]): string[][] {
  const candidates: string[][] = [];
  let run: TaggedWord[] = [];
  const close = () => {
    while (run.length > 0 && !HEADS.has(run.at(-1)!.pos)) run.pop();
    // The head of an English noun phrase stands last, so the last words are kept.
    if (run.length > 0) candidates.push(run.slice(-MAX_WORDS).map(({ word }) => word));
    run = [];
  };
  for (const word of words) {
    if (CONTENT.has(word.pos) && !word.stop && /^\p{L}[\p{L}\p{N}'’.-]*$/u.test(word.word) && word.word.length > 1) run.push(word);
    else close();
  }
  close();
  return candidates;
}
