import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadProjectConfig } from "./config-file.ts";

const directory = mkdtempSync(join(tmpdir(), "batchyard-config-file-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return name;
}

describe("loadProjectConfig", () => {
  it("is empty where there is no config", async () => {
    expect(await loadProjectConfig(undefined, directory)).toEqual({});
  });

  it("finds batchyard.config.ts by itself and other files by name", async () => {
    const own = 'export default { operations: [{ name: "mine" }] };';
    expect(await loadProjectConfig(file("other.ts", own), directory)).toMatchObject({ operations: [{ name: "mine" }] });
    file("batchyard.config.ts", own);
    expect(await loadProjectConfig(undefined, directory)).toMatchObject({ operations: [{ name: "mine" }] });
  });

  it("says what is wrong with a file and how it should be", async () => {
    await expect(loadProjectConfig("missing.ts", directory)).rejects.toThrow(/There is no config file .*missing\.ts/);
    await expect(loadProjectConfig(file("named.mjs", "export const operations = [];"), directory)).rejects.toThrow(
      "export default defineConfig(",
    );
    await expect(loadProjectConfig(file("list.mjs", "export default { operations: 1 };"), directory)).rejects.toThrow("'operations'");
    await expect(loadProjectConfig(file("broken.mjs", "throw new Error('boom')"), directory)).rejects.toThrow(/cannot be loaded: boom/);
  });
});
