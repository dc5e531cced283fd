import { defineOperation } from "../../define.ts";
import { planRows } from "../../rows.ts";
import { annotateRequests } from "./model-requests.ts";
import { annotateFaults, annotateOptions, annotateWarnings } from "./options.ts";
import { processItem } from "./thread.ts";

/**
 * Describes texts: keywords, names, dates, sentiment, language. With provider `local` this is English text analysis without any
 * network; result and score are described in annotation.ts. Other providers are asked for the same shape, or what `schema` asks for. Items without text fail with code `no_text`, category data.
 */
export const annotate = defineOperation({
  name: "annotate",
  description: "Describes the text of each item: keywords, entities, sentiment, language. Offline with provider local, or by a model.",
  options: annotateOptions,
  plan: planRows,
  processItem,
  requests: annotateRequests,
  // Analysing a text keeps a core busy; in a thread it does not hold up the server.
  thread: new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url),
  check: annotateFaults,
  warnings: annotateWarnings,
});
