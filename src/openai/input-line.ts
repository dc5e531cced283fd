import { isCleanKey } from "../intake/item-key.ts";
import { ITEM_LIMITS } from "../intake/scan.ts";
import type { OpenAiFault } from "../store/openai-batches.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { kindOf } from "./error.ts";

const MAX_ID_LENGTH = 512;

/** What a line must agree with. */
export interface LineRules {
  endpoint: string;
  /** Does the server have this model for the endpoint? */
  supports(model: string): boolean;
  /** The model of the first line that named one; null before, and when lines may differ. */
  expectedModel: string | null;
}

export interface CheckedLine {
  customId: string | null;
  model: string | null;
  faults: Omit<OpenAiFault, "line">[];
}

/** Everything that is wrong with one line but for a custom_id that was used before. */
export function checkLine(text: string, rules: LineRules): CheckedLine {
  const line = parsed(text);
  if (line === null)
    return {
      customId: null,
      model: null,
      faults: [{ code: "invalid_json_line", param: null, message: "This line is not parseable as valid JSON." }],
    };
  if (isDeeper(line, ITEM_LIMITS.maxDepth)) {
    const message = `This line is nested more than ${ITEM_LIMITS.maxDepth} levels deep.`;
    return { customId: null, model: null, faults: [{ code: "too_deep", param: null, message }] };
  }
  const faults: CheckedLine["faults"] = [];
  const say = (code: string, param: string, message: string): number => faults.push({ code, param, message });
  const has = (name: string): boolean => {
    if (line[name] !== undefined && line[name] !== null) return true;
    say("missing_required_parameter", name, `Missing required parameter: '${name}'.`);
    return false;
  };
  const isA = (name: string, fits: boolean, expected: string): boolean => {
    if (!fits) say("invalid_type", name, `Invalid type for '${name}': expected ${expected}, but got ${kindOf(line[name])} instead.`);
    return fits;
  };

  const id = line["custom_id"];
  const hasId = has("custom_id") && isA("custom_id", typeof id === "string", "a string");
  const customId = hasId && isUsable(id as string) ? (id as string) : null;
  if (hasId && customId === null)
    say(
      "invalid_value",
      "custom_id",
      `Invalid value for 'custom_id': it must have 1 to ${MAX_ID_LENGTH} characters, none of them a control character.`,
    );
  if (has("method") && line["method"] !== "POST") say("invalid_value", "method", "Invalid value for 'method': only 'POST' is supported.");
  if (has("url") && line["url"] !== rules.endpoint)
    say("invalid_url", "url", "The URL provided for this request does not match the batch endpoint.");
  const { body } = line;
  if (!has("body") || !isA("body", typeof body === "object" && !Array.isArray(body), "an object")) return { customId, model: null, faults };
  return { customId, model: checkBody(body as Record<string, unknown>, rules, say), faults };
}

function checkBody(
  body: Record<string, unknown>,
  { endpoint, supports, expectedModel }: LineRules,
  say: (code: string, param: string, message: string) => number,
): string | null {
  const kind = ENDPOINTS[endpoint]!;
  const model = typeof body["model"] === "string" && body["model"] !== "" ? body["model"] : null;
  if (model === null) say("invalid_request", "body.model", "Model parameter is required.");
  else if (!supports(model))
    say("model_not_found", "body.model", `The provided model '${model.slice(0, 200)}' is not supported by the Batch API.`);
  else if (expectedModel !== null && model !== expectedModel) {
    const message = `The model '${model}' does not match the model '${expectedModel}' of the first request. All requests of a batch must use the same model.`;
    say("mismatched_model", "body.model", message);
  }
  if (body[kind.needs] === undefined || body[kind.needs] === null) {
    const name = kind.needs.charAt(0).toUpperCase() + kind.needs.slice(1);
    say("invalid_request", `body.${kind.needs}`, `${name} parameter is required.`);
  }
  if (body["stream"] !== undefined && body["stream"] !== null && body["stream"] !== false)
    say("streaming_unsupported", "body.stream", `${kind.name}: Streaming is not supported in the Batch API.`);
  return model;
}

/** Null for whatever is no JSON object. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Nested so deep that writing it as JSON again could end in a stack overflow. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  const inner = Array.isArray(value) ? value : Object.values(value);
  return inner.some((each) => isDeeper(each, levels - 1));
}

/** custom_ids are the keys of items: what those cannot be, these cannot. */
function isUsable(id: string): boolean {
  return id.length > 0 && id.length <= MAX_ID_LENGTH && isCleanKey(id) && id.isWellFormed();
}
