import type { OutboxDraft } from "../../openai-batches.ts";
import type { Database } from "../database/database.ts";

/** Within the transaction that says why; a message that is in the outbox already stays as it is. */
export function insertMessage(db: Database, tenant: string, message: OutboxDraft, now: number): void {
  db.run(
    "INSERT INTO outbox (tenant, channel, dedupe_key, follows, subject, body, next_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dedupe_key) DO NOTHING",
    tenant,
    message.channel,
    message.dedupeKey,
    message.follows ?? null,
    message.subject,
    message.body,
    now,
    now,
  );
}
