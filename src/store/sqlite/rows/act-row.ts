import type { Database } from "../database/database.ts";

/** Items dealt with in one transaction, which is one turn of the event loop: a few milliseconds. */
export const ITEMS_AT_ONCE = 500;

/** Chunks cancelled in one transaction: as long as that many items, whatever is in them. */
export const CHUNKS_AT_ONCE = 500;

/** What is still to be done to a batch. Each slice of it leaves the batch as if it had been asked for that much. */
export type LongAct = { now: number } & (
  | {
      /** Takes back the failures that stood when it was asked for: those with ids up to `until`. */
      kind: "retry";
      epoch: number;
      until: number;
      fingerprint: string | null;
      code: string | null;
    }
  | {
      /**
       * Settles open items as failed: chunk by chunk from this id on, then what nobody reported under numbers from this one on.
       * `tried`: only those that wait to be tried again.
       */
      kind: "finish";
      tried?: boolean;
      error: string;
      code: string;
      chunk: number;
      unreported: number;
    }
  | {
      /** Ends a batch whose chunks are cancelled some at a time. Nobody gets any of them meanwhile. */
      kind: "end";
      as: "cancelled" | "expired" | "failed";
      error: string | null;
    }
);

/** An act that comes later takes the place of one that is not done; whoever asks for one of a batch that is being ended is refused. */
export function saveAct(db: Database, batchId: string, act: LongAct): void {
  db.run(
    "INSERT INTO batch_acts (batch_id, body) VALUES (?1, ?2) ON CONFLICT (batch_id) DO UPDATE SET body = ?2",
    batchId,
    JSON.stringify(act),
  );
}

/** Such a batch does not end by its items: they are not counted yet. */
export function isActing(db: Database, batchId: string): boolean {
  return db.get("SELECT 1 FROM batch_acts WHERE batch_id = ?", batchId) !== undefined;
}

/** Of a batch with such an act nothing is worked on any more: SQL over its id. */
export const BEING_ENDED = "(SELECT batch_id FROM batch_acts WHERE body ->> 'kind' = 'end')";

export function isBeingEnded(db: Database, batchId: string): boolean {
  return db.get(`SELECT 1 WHERE ? IN ${BEING_ENDED}`, batchId) !== undefined;
}

export function dropAct(db: Database, batchId: string): void {
  db.run("DELETE FROM batch_acts WHERE batch_id = ?", batchId);
}

/** Any that is not done. */
export function nextAct(db: Database): { batchId: string; act: LongAct } | null {
  const row = db.get<{ batch_id: string; body: string }>("SELECT batch_id, body FROM batch_acts LIMIT 1");
  return row === undefined ? null : { batchId: row.batch_id, act: JSON.parse(row.body) as LongAct };
}
