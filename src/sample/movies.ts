import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ItemText } from "../model/item.ts";

/** A row of the movies.json of vega-datasets (BSD-3-Clause): 3,201 films, with the faults of real data. */
export type Movie = Record<string, unknown>;

const BLOCK = 500;

export async function readMovies(): Promise<Movie[]> {
  // The package exports its module only; the data lies beside it: vega-datasets/build/index.js → vega-datasets/data.
  const entry = fileURLToPath(import.meta.resolve("vega-datasets"));
  return JSON.parse(await readFile(join(dirname(entry), "..", "data", "movies.json"), "utf8")) as Movie[];
}

/**
 * The films as items, verbatim: what is wrong with a row is for `validate` to say, not for the loading to hide. The key is
 * "<title> (<release date>)", which is unique; the row that has no title is `item_<position>`.
 */
export async function* movieItems(): AsyncGenerator<ItemText[]> {
  const movies = await readMovies();
  for (let start = 0; start < movies.length; start += BLOCK) {
    yield movies.slice(start, start + BLOCK).map((movie, index) => ({ key: keyOf(movie, start + index + 1), text: JSON.stringify(movie) }));
  }
}

function keyOf(movie: Movie, position: number): string {
  const { Title: title, "Release Date": released } = movie;
  // Some titles are numbers ("300", "54").
  return typeof title === "string" || typeof title === "number"
    ? `${title} (${typeof released === "string" ? released : "no date"})`
    : `item_${position}`;
}

/** What a film has to be. The data was collected in 2010, so a release after 2012 is a misread year ("1928" as 2028). */
export const MOVIE_SCHEMA = {
  type: "object",
  properties: {
    Title: { type: "string", minLength: 1 },
    "Release Date": { type: "string", pattern: "^[A-Z][a-z]{2} \\d{2} (19\\d\\d|200\\d|201[0-2])$" },
    "MPAA Rating": { enum: ["G", "PG", "PG-13", "R", "NC-17", "Not Rated", null] },
    "US Gross": { type: ["integer", "null"], minimum: 0 },
    "Worldwide Gross": { type: ["integer", "null"], minimum: 0 },
    "Production Budget": { type: ["integer", "null"], minimum: 1 },
    "Running Time min": { type: ["integer", "null"], minimum: 1, maximum: 600 },
    "Rotten Tomatoes Rating": { type: ["integer", "null"], minimum: 0, maximum: 100 },
    "IMDB Rating": { type: ["number", "null"], minimum: 1, maximum: 10 },
    "IMDB Votes": { type: ["integer", "null"], minimum: 1 },
  },
  required: ["Title", "Release Date", "US Gross", "Worldwide Gross", "Production Budget"],
} as const;

/** A film as a sentence for the annotator; a film without a title has none and fails. */
export const MOVIE_SENTENCE = `Title != null ? {
  "title": $string(Title),
  "text": $string(Title) & " is a " & ($."Major Genre" != null ? $lowercase($."Major Genre") : "film")
    & ($."Major Genre" != null ? " movie" : "")
    & (Director != null ? " directed by " & Director : "")
    & ", released on " & $."Release Date"
    & (Distributor != null ? " by " & $replace(Distributor, /\\.$/, "") : "")
    & ($."Creative Type" != null ? ". It is " & $lowercase($."Creative Type") : "")
    & (Source != null ? ", from: " & $lowercase(Source) : "") & "."
}`;
