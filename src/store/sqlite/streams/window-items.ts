import { joinLines, LINE_JOINT, splitLines } from "../../../model/item.ts";
import type { NewChunk, WindowClosing } from "../../port.ts";
import type { Database } from "../database/database.ts";

/** Items of a window as one commit brought them. */
export interface ItemRows {
  keys: string[];
  /** Texts joined with LINE_JOINT. */
  body: string;
}

interface RawItems {
  id: number;
  items: number;
  skipped: number;
  keys: string;
  body: string;
}

export function insertItems(db: Database, windowId: string, rows: ItemRows): void {
  db.run(
    "INSERT INTO window_items (window_id, items, keys, body) VALUES (?, ?, ?, ?)",
    windowId,
    rows.keys.length,
    JSON.stringify(rows.keys),
    rows.body,
  );
}

/** In the order they came, without what was dropped. */
export function windowItems(db: Database, windowId: string): ItemRows[] {
  return db
    .all<RawItems>("SELECT id, items, skipped, keys, body FROM window_items WHERE window_id = ? ORDER BY id", windowId)
    .map((raw) => {
      const keys = JSON.parse(raw.keys) as string[];
      if (raw.skipped === 0) return { keys, body: raw.body };
      return { keys: keys.slice(raw.skipped), body: joinLines(splitLines(raw.body).slice(raw.skipped)) };
    });
}

/** Takes the first `count` items off a window. Throws when there are not as many. */
export function dropFront(db: Database, windowId: string, count: number): void {
  let left = count;
  while (left > 0) {
    const row = db.get<{ id: number; items: number; skipped: number }>(
      "SELECT id, items, skipped FROM window_items WHERE window_id = ? ORDER BY id LIMIT 1",
      windowId,
    );
    if (row === undefined) throw new Error(`window ${windowId} has not as many items to drop`);
    const here = row.items - row.skipped;
    if (here <= left) db.run("DELETE FROM window_items WHERE id = ?", row.id);
    else db.run("UPDATE window_items SET skipped = skipped + ? WHERE id = ?", left, row.id);
    left -= Math.min(left, here);
  }
}

/** Takes these items out, wherever they stand. Throws when one is not there. */
export function withdrawItems(db: Database, windowId: string, keys: readonly string[]): void {
  const left = new Set(keys);
  for (const raw of db.all<RawItems>("SELECT id, items, skipped, keys, body FROM window_items WHERE window_id = ?", windowId)) {
    const own = (JSON.parse(raw.keys) as string[]).slice(raw.skipped);
    if (!own.some((key) => left.has(key))) continue;
    const texts = splitLines(raw.body).slice(raw.skipped);
    const kept = [...own.keys()].filter((place) => !left.delete(own[place]!));
    if (kept.length === 0) db.run("DELETE FROM window_items WHERE id = ?", raw.id);
    else
      db.run(
        "UPDATE window_items SET items = ?, skipped = 0, keys = ?, body = ? WHERE id = ?",
        kept.length,
        JSON.stringify(kept.map((place) => own[place]!)),
        joinLines(kept.map((place) => texts[place]!)),
        raw.id,
      );
  }
  if (left.size > 0) throw new Error(`window ${windowId} has no item ${[...left][0]}`);
}

/** Cuts the items of a closing window into chunks. Where they fit into one, their text is only joined. */
export function windowChunks(rows: readonly ItemRows[], size: Pick<WindowClosing, "chunkItems" | "chunkChars">, now: number): NewChunk[] {
  const keys = rows.flatMap((row) => row.keys);
  const body = rows.map((row) => row.body).join(LINE_JOINT);
  const chunk = (position: number, own: string[], text: string): NewChunk => ({
    position,
    keys: own,
    body: text,
    attempt: 0,
    availableAt: now,
    crashes: 0,
  });
  if (keys.length <= size.chunkItems && body.length <= size.chunkChars) return [chunk(0, keys, body)];
  const texts = splitLines(body);
  const chunks: NewChunk[] = [];
  let from = 0;
  let chars = 0;
  for (const [at, text] of texts.entries()) {
    chars += text.length;
    const full = at + 1 - from >= size.chunkItems || chars >= size.chunkChars;
    if (!full && at + 1 < texts.length) continue;
    chunks.push(chunk(from, keys.slice(from, at + 1), joinLines(texts.slice(from, at + 1))));
    from = at + 1;
    chars = 0;
  }
  return chunks;
}
