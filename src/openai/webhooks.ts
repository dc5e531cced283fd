import { createHash } from "node:crypto";
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
