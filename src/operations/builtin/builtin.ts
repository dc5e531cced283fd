import { analyze } from "./analyze.ts";
import { annotate } from "./annotate/annotate.ts";
import { cleanup } from "./cleanup.ts";
import { exportRows } from "./export.ts";
import { importRecords } from "./import.ts";
import type { Operation } from "../operation.ts";
import { report } from "./report/report.ts";
import { transform } from "./transform.ts";
import { validate } from "./validate.ts";

/** What every server can do without a line of the user's. */
export const builtinOperations: readonly Operation[] = [analyze, annotate, cleanup, exportRows, importRecords, report, transform, validate];
