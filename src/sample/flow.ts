import type { CreateRequest, ItemSource } from "../batches/service.ts";
import type { BatchStatus } from "../model/moves.ts";
import { MOVIE_SCHEMA, MOVIE_SENTENCE, movieItems } from "./movies.ts";

/** A batch that has ended. */
export interface SampleBatch {
  id: string;
  operation: string;
  status: BatchStatus;
  totalItems: number;
  succeeded: number;
  failed: number;
}

/** What the sample needs of a server; src/batches/service.ts behind one caller has it all. */
export interface SampleYard {
  create(request: CreateRequest, items: ItemSource | null): Promise<{ id: string }>;
  /** Resolves when the batch has ended; `progress` hears of it on the way. */
  wait(id: string, progress: (batch: SampleBatch) => void): Promise<SampleBatch>;
  /** Results of the batch's items that succeeded, as JSON texts. */
  results(id: string): Promise<string[]>;
  /** Where a file of the tenant lies on this machine. */
  filePath(fileId: string): Promise<string>;
}

export interface SampleStep {
  /** "1 of 5: import 3,201 films" */
  title: string;
  /** Null until the batch is made. */
  batch: SampleBatch | null;
}

export interface SampleOutcome {
  batches: SampleBatch[];
  /** HTML file of the report; null when the report failed. */
  reportPath: string | null;
}

interface Step {
  says: string;
  request: CreateRequest;
  items?: () => ItemSource;
}

const SENTENCES = "movie-sentences";
const MOVIES = "movies";
const tags = ["sample"];

/** From raw rows to a report: each step reads what the one before has written. */
const STEPS: readonly Step[] = [
  {
    says: "import the films into the collection 'movies'",
    request: { operation: "import", name: "Sample: import movies", options: { collection: MOVIES }, tags },
    items: movieItems,
  },
  {
    says: "validate them (some rows are really wrong)",
    request: {
      operation: "validate",
      name: "Sample: validate movies",
      input: { collection: MOVIES },
      options: { schema: MOVIE_SCHEMA },
      tags,
    },
  },
  {
    says: "transform each into a sentence",
    request: {
      operation: "transform",
      name: "Sample: movies as sentences",
      input: { collection: MOVIES },
      options: { expression: MOVIE_SENTENCE, collection: SENTENCES },
      tags,
    },
  },
  {
    says: "annotate the sentences, offline",
    request: {
      operation: "annotate",
      name: "Sample: annotate movies",
      input: { collection: SENTENCES },
      options: { provider: "local", fields: ["text"] },
      tags,
    },
  },
  {
    says: "report by genre",
    request: {
      operation: "report",
      name: "Sample: movies by genre",
      input: { collection: MOVIES },
      options: {
        title: "Movies by genre",
        groupBy: "Major Genre",
        measures: ["count", "avg:IMDB Rating", "sum:Worldwide Gross", "p50:Production Budget"],
      },
      tags,
    },
  },
];

/** Runs the sample batches one after the other. A batch with failed items is no fault: the data has faults, and they are shown. */
export async function runSample(yard: SampleYard, onProgress: (step: SampleStep) => void): Promise<SampleOutcome> {
  const batches: SampleBatch[] = [];
  for (const [index, { says, request, items }] of STEPS.entries()) {
    const title = `${index + 1} of ${STEPS.length}: ${says}`;
    onProgress({ title, batch: null });
    const { id } = await yard.create(request, items?.() ?? null);
    batches.push(await yard.wait(id, (batch) => onProgress({ title, batch })));
  }
  return { batches, reportPath: await reportPath(yard, batches.at(-1)!) };
}

async function reportPath(yard: SampleYard, report: SampleBatch): Promise<string | null> {
  const [line] = report.succeeded === 1 ? await yard.results(report.id) : [];
  if (line === undefined) return null;
  const { result } = JSON.parse(line) as { result: { file_id: string } };
  return await yard.filePath(result.file_id);
}
