import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { finished, batchyard, serve, starting } from "../support/served.ts";

const newFolder = folders();

/** A store with a batch in it, whose header is then overwritten. */
async function damaged(): Promise<{ data: string; file: string; bytes: number }> {
  const data = newFolder();
  const served = await serve(data);
  const { id } = await served.client.create(
    { operation: "steady" },
    numbered(0, 500).map((item) => ({ ...item })),
  );
  await finished(served.client, id);
  await served.child.end("SIGTERM");
  const file = join(data, "batchyard.db");
  const handle = openSync(file, "r+");
  writeSync(handle, Buffer.alloc(100, "not a database "), 0, 100, 0);
  closeSync(handle);
  return { data, file, bytes: statSync(file).size };
}

describe("a damaged store", () => {
  it("is refused in clear words, and nothing is deleted", async () => {
    const { data, file, bytes } = await damaged();
    for (const child of [
      starting(data),
      batchyard(["doctor", "--data", data]),
      batchyard(["backup", join(data, "copy.db"), "--data", data]),
    ]) {
      const { code } = await child.ended;
      expect(child.output).toContain(`The store ${file} is damaged`);
      expect(child.output).toContain("Restore the last backup; nothing was deleted");
      expect(child.output).not.toContain("    at ");
      expect(code).toBe(1);
    }
    expect(statSync(file).size).toBe(bytes);
  });
});
