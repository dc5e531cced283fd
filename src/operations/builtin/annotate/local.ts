import { eld } from "eld/extrasmall";
import { annotationQuality, readingTime, sentimentLabel } from "./annotation.ts";
import type { Annotation } from "./annotation.ts";
import { keywords } from "./keywords.ts";
import type { TaggedWord } from "./keywords.ts";
import { MAX_TEXT } from "./text.ts";
import type { ItemText } from "./text.ts";
import { readText } from "./wink.ts";
import type { ReadText } from "./wink.ts";

/*
 * Loading this module loads the language models (0.4 s, 160 MB): only thread.ts does, on the first item.
 */

const MAX_TAGS = 8;
const MAX_ENTITIES = 50;
const MAX_DESCRIPTION = 240;

const languageNames = new Intl.DisplayNames("en", { type: "language" });

export function annotateText({ text, truncated }: ItemText): { annotation: Annotation; qualityScore: number } {
  const { language, certainty } = languageOf(text);
  const notes = truncated ? [`Only the first ${MAX_TEXT} characters were read`] : [];
  if (certainty === 0) return foreign(text, language, notes);
  if (language === "und") notes.push("The text is too short to tell its language; it was read as English");
  else if (certainty < 1) notes.push("The language is probably English");

  const doc = readText(text);
  const words = wordsOf(doc);
  const entities = entitiesOf(doc, words.names);
  const tags = keywords(words.tagged, MAX_TAGS * 2)
    .filter((tag) => !isPartOfValue(tag, entities))
    .slice(0, MAX_TAGS);
  const sentiment = sentimentOf(doc);
  const annotation: Annotation = {
    description: descriptionOf(doc, tags),
    tags,
    entities,
    sentiment,
    sentimentLabel: sentimentLabel(sentiment),
    language,
    wordCount: words.count,
    readingTimeSeconds: readingTime(words.count),
    ...(notes.length > 0 ? { notes } : {}),
  };
  return { annotation, qualityScore: annotationQuality(certainty, words.count, tags.length) };
}

/** What can be said of any language, and no more. */
function foreign(text: string, language: string, notes: string[]): { annotation: Annotation; qualityScore: number } {
  const count = countOf(new Intl.Segmenter(language, { granularity: "word" }).segment(text), (part) => part.isWordLike === true);
  const [first] = new Intl.Segmenter(language, { granularity: "sentence" }).segment(text);
  const name = languageNames.of(language) ?? language;
  return {
    annotation: {
      description: cut(first?.segment.trim() ?? text),
      tags: [],
      entities: [],
      sentiment: null,
      sentimentLabel: null,
      language,
      wordCount: count,
      readingTimeSeconds: readingTime(count),
      notes: [...notes, `The text is in ${name}; the local annotator reads English, so tags, entities and sentiment are left out`],
    },
    qualityScore: annotationQuality(0, count, 0),
  };
}

function languageOf(text: string): { language: string; certainty: 0 | 0.6 | 1 } {
  const detected = eld.detect(text);
  const reliable = detected.isReliable();
  if (detected.language === "en") return { language: "en", certainty: reliable ? 1 : 0.6 };
  if (reliable && detected.language !== "") return { language: detected.language, certainty: 0 };
  // Undecided: Latin letters without marks may well be a few English words, other writing is not.
  const latin = countOf(text.matchAll(/[a-z]/gi));
  const letters = countOf(text.matchAll(/\p{L}/gu));
  return {
    language: latin / Math.max(1, letters) < 0.9 && detected.language !== "" ? detected.language : "und",
    certainty: latin / Math.max(1, letters) < 0.9 ? 0 : 0.6,
  };
}

function wordsOf(doc: ReadText): { tagged: TaggedWord[]; names: string[]; count: number } {
  const { normals, values, pos, types, stops, precedingSpaces } = doc;
  const tagged: TaggedWord[] = [];
  const names: string[] = [];
  let name = "";
  let count = 0;
  for (let i = 0; i < normals.length; i++) {
    if (types[i] === "word" || types[i] === "number") count++;
    const lineBreak = precedingSpaces[i]!.includes("\n");
    if (lineBreak) tagged.push({ word: "", pos: "PUNCT", stop: true });
    tagged.push({ word: normals[i]!.toLowerCase(), pos: pos[i]!, stop: stops[i]! });
    // "I" and a sentence's first adjective ("Great product") are tagged as names too.
    const opens = (i === 0 || lineBreak || types[i - 1] === "punctuation") && (pos[i + 1] === "NOUN" || pos[i + 1] === "ADJ");
    const isName = pos[i] === "PROPN" && /^\p{Lu}[\p{L}'’.-]+$/u.test(values[i]!) && stops[i] !== true && !opens;
    if (isName && name !== "" && !lineBreak) name += ` ${values[i]}`;
    else {
      if (name !== "") names.push(name);
      name = isName ? values[i]! : "";
    }
  }
  if (name !== "") names.push(name);
  return { tagged, names, count };
}

function entitiesOf(doc: ReadText, names: readonly string[]): Annotation["entities"] {
  const entities: Annotation["entities"] = [];
  const taken = new Set<string>();
  const add = (type: string, value: string) => {
    const id = `${type} ${value.toLowerCase()}`;
    if (taken.has(id) || entities.length >= MAX_ENTITIES) return;
    taken.add(id);
    entities.push({ type, value });
  };
  const found = doc.entities;
  for (const { type, value } of found) add(type, value);
  // "July 18, 2008" is a date, so its "July" is no name.
  for (const name of names) if (!found.some(({ value }) => value.includes(name))) add("NAME", name);
  return entities;
}

/** "feb" of the date "Feb 04 1994" says nothing about the text. */
function isPartOfValue(tag: string, entities: Annotation["entities"]): boolean {
  return entities.some(
    ({ type, value }) =>
      type !== "NAME" &&
      value
        .toLowerCase()
        .split(/[\s,]+/)
        .includes(tag),
  );
}

function sentimentOf(doc: ReadText): number {
  let sum = 0;
  let felt = 0;
  for (const { sentiment } of doc.sentences) {
    if (sentiment === 0) continue;
    sum += sentiment;
    felt++;
  }
  return felt === 0 ? 0 : Math.round(Math.max(-1, Math.min(1, sum / felt)) * 1000) / 1000;
}

/** The sentence with the most of the tags' words in it, the first counting twice: texts open with what they are about. */
function descriptionOf(doc: ReadText, tags: readonly string[]): string {
  const wanted = tags.flatMap((tag, rank) => tag.split(" ").map((word) => ({ word, weight: 1 / (rank + 1) })));
  let best = "";
  let bestScore = -1;
  for (const { text: sentence } of doc.sentences) {
    const lower = sentence.toLowerCase();
    const score = wanted.reduce((sum, { word, weight }) => sum + (lower.includes(word) ? weight : 0), 0) * (bestScore < 0 ? 2 : 1);
    if (score > bestScore) [best, bestScore] = [sentence, score];
  }
  return cut(best.replace(/\s+/g, " ").trim());
}

function cut(text: string): string {
  if (text.length <= MAX_DESCRIPTION) return text;
  const head = text.slice(0, MAX_DESCRIPTION - 1).toWellFormed();
  const space = head.lastIndexOf(" ");
  return `${space > MAX_DESCRIPTION / 2 ? head.slice(0, space) : head}…`;
}

function countOf<T>(parts: Iterable<T>, counts: (part: T) => boolean = () => true): number {
  let count = 0;
  for (const part of parts) if (counts(part)) count++;
  return count;
}
