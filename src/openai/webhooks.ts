import { createHash } from "node:crypto";
import { z } from "zod";
import { BatchyardError } from "../model/errors.ts";
import type { FinalOpenAiStatus } from "../model/openai-moves.ts";
import type { OpenAiBatchRow, OutboxDraft } from "../store/openai-batches.ts";

/** An address that is told when a /v1 batch ends, as OpenAI tells its webhook endpoints. */
export interface OpenAiWebhook {
  url: string;
  /** Signs by Standard Webhooks: `whsec_…`, or any text. */
  secret: string;
  /** Whose batches; `default` when absent. */
  tenant?: string | undefined;
}

const webhook = z.strictObject({
  url: z
    .string()
    .refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""), { error: "must be a URL that starts with http:// or https://" }),
  secret: z.string().min(1, { error: "must not be empty" }).max(512),
  tenant: z.string().min(1).max(128).optional(),
});

/** The webhooks of a configuration, which may be written in plain JavaScript. Throws bad_config. */
export function parseWebhooks(given: unknown): readonly OpenAiWebhook[] {
  const parsed = z.array(webhook).safeParse(given ?? []);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = ["webhooks", ...(issue?.path ?? [])].join(".");
  throw new BatchyardError("bad_config", {
    name,
    found: "not valid",
    allowed: `${issue?.message ?? ""}; an entry is { url, secret, tenant? }`,
  });
}

/** The outbox channel of an address; the same after a restart, whatever else is configured. */
export function channelOf(webhook: OpenAiWebhook): string {
  return `openai:${hashOf(`${tenantOf(webhook)}\0${webhook.url}`)}`;
}

/** One message an address of the batch's tenant. The event has one id, each message its own. */
export function endMessages(
  webhooks: readonly OpenAiWebhook[],
  row: OpenAiBatchRow,
  status: FinalOpenAiStatus,
  now: number,
): OutboxDraft[] {
  const event = {
    id: `evt_${hashOf(`${row.id}\0${status}`)}`,
    object: "event",
    created_at: Math.floor(now / 1000),
    type: `batch.${status}`,
    data: { id: row.id },
  };
  return webhooks
    .filter((webhook) => tenantOf(webhook) === row.tenant)
    .map((webhook) => ({
      channel: channelOf(webhook),
      dedupeKey: `wh_${hashOf(`${event.id}\0${channelOf(webhook)}`)}`,
      subject: `Batch ${row.id} ${status}`,
      body: JSON.stringify(event),
    }));
}

function tenantOf({ tenant }: OpenAiWebhook): string {
  return tenant ?? "default";
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
