import { createHash } from "node:crypto";
import { ITEM_LIMITS, JsonScanner } from "../intake/scan.ts";
import type { Fault } from "../model/errors.ts";
import { singleRequest } from "../model/request-fields.ts";
import { faultsOf } from "../model/schema-faults.ts";
import { checkLine } from "../openai/input-line.ts";
import { CHAT, windowKeyOf } from "./window-key.ts";

/** A single request, read and checked. */
export interface RequestInput {
  jobType: string;
  model: string;
  customId: string | null;
  webhook: string | null;
  /** Requests of one window: the same job type, model and endpoint. */
  windowKey: string;
  /** The item: `{method, url, body}` as JSON text on one line. */
  item: string;
  /** Of everything but custom_id. */
  fingerprint: string;
}

export interface RequestRules {
  supports(model: string, url: string): boolean;
  /** Why a webhook cannot be told; null = it can. */
  refusesWebhook(url: string): Fault | null;
}

/** Reads one JSON text; every fault at once. */
export function readRequest(text: string, rules: RequestRules): RequestInput | { faults: Fault[] } {
  const fault = new JsonScanner(ITEM_LIMITS, []).scan(text);
  if (fault !== null) return { faults: [{ path: "", code: fault.code, message: `column ${fault.column}: ${fault.message}` }] };
  const given: unknown = JSON.parse(text);
  const parsed = singleRequest.safeParse(given);
  if (!parsed.success) return { faults: faultsOf(parsed.error, singleRequest, given) };
  const { jobType, model, url, custom_id, prompt, webhook } = parsed.data;
  const faults: Fault[] = [];
  const say = (path: string, message: string): number => faults.push({ path, message, code: "invalid_value" });
  if ((parsed.data.body === undefined) === (prompt === undefined)) say("body", "give either body or prompt");
  if (prompt !== undefined && url !== CHAT) say("prompt", `makes a chat completion; give a body for ${url}`);
  if (/\s/.test(model)) say("model", "must not contain blanks");
  const named = parsed.data.body?.["model"];
  if (named !== undefined && named !== model) say("body.model", `must be the model of the request ('${model}'), or be left out`);
  if (faults.length > 0) return { faults };
  const body = { ...(parsed.data.body ?? { messages: [{ role: "user", content: prompt }] }), model };
  const line = checkLine(JSON.stringify({ custom_id: "request", method: "POST", url, body }), {
    endpoint: url,
    supports: (name) => rules.supports(name, url),
    expectedModel: null,
  });
  for (const { code, param, message } of line.faults)
    faults.push({ path: param === "body.model" ? "model" : (param ?? ""), code, message });
  const refused = webhook === undefined ? null : rules.refusesWebhook(webhook);
  if (refused !== null) faults.push(refused);
  if (faults.length > 0) return { faults };
  const item = JSON.stringify({ method: "POST", url, body });
  return {
    jobType,
    model,
    customId: custom_id ?? null,
    webhook: webhook ?? null,
    windowKey: windowKeyOf(jobType, model, url),
    item,
    fingerprint: createHash("sha256")
      .update(JSON.stringify([jobType, model, item, webhook ?? null]))
      .digest("hex"),
  };
}
