import { faultOf } from "../../../formats/row.ts";
import { OperationError } from "../../../model/failure.ts";
import type { HandlerContext, HandlerResult } from "../../operation.ts";
import type { annotateText } from "./local.ts";
import type { AnnotateOptions } from "./options.ts";
import { textOf } from "./text.ts";

let models: Promise<{ annotateText: typeof annotateText }> | undefined;

/** One item; in this thread or in a worker's. The language models are loaded with the first one. */
export async function processItem(payload: unknown, ctx: Pick<HandlerContext<AnnotateOptions>, "options">): Promise<HandlerResult> {
  const fault = faultOf(payload);
  if (fault !== null) throw new OperationError(fault.message, { code: fault.code, category: "data" });
  const text = textOf(payload, ctx.options.fields);
  models ??= import("./local.ts");
  const { annotation, qualityScore } = (await models).annotateText(text);
  return { result: annotation, qualityScore };
}
