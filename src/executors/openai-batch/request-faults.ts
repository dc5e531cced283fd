import type { ModelRequest } from "../../operations/model-requests.ts";
import type { Provider } from "../../providers/provider.ts";
import { embeddingInputs } from "../../money/prompt.ts";

/** What a batch endpoint asks of a body, by url. */
const NEEDED: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "messages",
  "/v1/responses": "input",
  "/v1/embeddings": "input",
  "/v1/completions": "prompt",
};

export interface RequestFault {
  error: string;
  code: string;
}

/** What a provider would refuse about a request, known before it is sent; null = nothing. `bytes` of its line. */
export function requestFault({ url, body }: ModelRequest, provider: Provider | null, bytes: number): RequestFault | null {
  const needed = NEEDED[url];
  if (needed === undefined)
    return { code: "invalid_url", error: `There is no endpoint '${url}' for batches; possible: ${Object.keys(NEEDED).join(", ")}` };
  if (typeof body.model !== "string" || body.model === "") return { code: "missing_required_parameter", error: "body.model is required" };
  const value = body[needed];
  if (value === undefined || value === null) return { code: "missing_required_parameter", error: `body.${needed} is required` };
  if (needed === "messages" && (!Array.isArray(value) || value.length === 0))
    return { code: "invalid_request", error: "body.messages must be a list with at least one message" };
  if (body["stream"] === true) return { code: "streaming_unsupported", error: "body.stream is not supported in batches; leave it out" };
  if (provider !== null && bytes > provider.limits.maxBytes)
    return { code: "line_too_long", error: `The request has ${bytes} bytes; ${provider.name} takes files of ${provider.limits.maxBytes}` };
  const inputs = url === "/v1/embeddings" ? embeddingInputs(body["input"]) : 0;
  if (provider !== null && inputs > provider.limits.maxEmbeddingInputs)
    return {
      code: "too_many_inputs",
      error: `body.input has ${inputs} inputs; ${provider.name} takes at most ${provider.limits.maxEmbeddingInputs} in a file`,
    };
  return null;
}
