import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { endChildren } from "./child.ts";

/** New folders for the tests of a file. After each test its processes are ended by their ids and its folders removed. */
export function folders(): () => string {
  const made: string[] = [];
  afterEach(async () => {
    await endChildren();
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "batchyard-fault-"));
    made.push(folder);
    return folder;
  };
}
