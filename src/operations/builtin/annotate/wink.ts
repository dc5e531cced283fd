import model from "wink-eng-lite-web-model";
import winkNLP from "wink-nlp";
import type { ItsFunction } from "wink-nlp";

const nlp = winkNLP(model, ["sbd", "negation", "sentiment", "pos", "ner"]);

/** A text as wink-nlp reads it; the arrays run over its tokens. */
export interface ReadText {
  normals: string[];
  values: string[];
  pos: string[];
  types: string[];
  stops: boolean[];
  precedingSpaces: string[];
  sentences: { text: string; sentiment: number }[];
  entities: { type: string; value: string }[];
}

/**
 * The one place that knows wink-nlp's types: its `its` functions are declared as methods that return one union, so what each of
 * them really gives is said here.
 */
const its = nlp.its as unknown as Record<keyof typeof nlp.its, ItsFunction<never>>;

export function readText(text: string): ReadText {
  const doc = nlp.readDoc(text);
  const tokens = doc.tokens();
  return {
    normals: tokens.out(its.normal),
    values: tokens.out(its.value),
    pos: tokens.out(its.pos),
    types: tokens.out(its.type),
    stops: tokens.out(its.stopWordFlag) as unknown as boolean[],
    precedingSpaces: tokens.out(its.precedingSpaces),
    sentences: doc
      .sentences()
      .out()
      .map((sentence, index) => ({ text: sentence, sentiment: Number(doc.sentences().itemAt(index).out(its.sentiment)) })),
    entities: doc.entities().out(its.detail) as unknown as { type: string; value: string }[],
  };
}
