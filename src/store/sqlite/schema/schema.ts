import { BatchyardError } from "../../../model/errors.ts";
import type { Database } from "../database/database.ts";
import { MIGRATIONS } from "./migrations.ts";

export const SCHEMA_VERSION = MIGRATIONS.length;

/** 0 = empty. */
export function schemaOf(db: Database): number {
  return db.get<{ user_version: number }>("PRAGMA user_version")!.user_version;
}

/** Brings the schema up to this version; a newer one is refused, so that an old program never writes what it does not understand. */
export function migrate(db: Database): void {
  const found = schemaOf(db);
  if (found > SCHEMA_VERSION) throw new BatchyardError("newer_schema", { found, known: SCHEMA_VERSION });
  for (let version = found; version < SCHEMA_VERSION; version++) {
    db.transaction(() => {
      const migration = MIGRATIONS[version]!;
      db.exec(typeof migration === "string" ? migration : migration.sql);
      if (typeof migration !== "string") migration.fill(db);
      db.exec(`PRAGMA user_version = ${version + 1}`);
    });
  }
}
