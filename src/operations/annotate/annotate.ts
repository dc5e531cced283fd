import { defineOperation } from "../define.ts";
import { planRows } from "../rows.ts";
import { annotateFaults, annotateOptions, annotateWarnings } from "./options.ts";
import { processItem } from "./thread.ts";

/**
 * Describes texts: keywords, names, dates, sentiment, language. With provider `local` this is English text analysis without any
 * network; result and score are described in annotation.ts. Items without text fail with code `no_text`, category data.
 */
export const annotate = defineOperation({
  name: "annotate",
  description: "Describes the text of each item: keywords, entities, sentiment, language. Offline with provider local.",
  options: annotateOptions,
  plan: planRows,
  processItem,
  // Analysing a text keeps a core busy; in a thread it does not hold up the server.
  thread: new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url),
  check: annotateFaults,
  warnings: annotateWarnings,
});
