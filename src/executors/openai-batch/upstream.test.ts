import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Providers } from "../../providers/providers.ts";
import { isOf, Upstream, type UpstreamBatch } from "./upstream.ts";

it("an upload has the time that the largest file takes, whatever the provider's other calls have", async () => {
  const folder = mkdtempSync(join(tmpdir(), "batchyard-upload-"));
  const path = join(folder, "input.jsonl");
  writeFileSync(path, "{}\n");
  const seconds: (string | null)[] = [];
  const providers = new Providers({
    declared: { peer: { baseURL: "http://peer.test/v1", batch: true, timeoutMs: 2_000 } },
    openai: { apiKey: null, baseUrl: null },
    variable: () => null,
    // The client tries first what kind of fetch it has.
    fetch: async (url, init) => {
      if (new Request(url).url.startsWith("http")) seconds.push(new Headers(init?.headers).get("x-stainless-timeout"));
      return Response.json({ id: "file-1" });
    },
  });
  const upstream = new Upstream(providers, providers.get("peer")!, new AbortController().signal);
  await upstream.upload(path, "input.jsonl");
  await upstream.file("file-1");
  rmSync(folder, { recursive: true });
  expect(seconds).toEqual(["600", null]);
});

it("a batch is of the attempt it names, and without a name of the one whose file it has", () => {
  const batch = (attempt: string | null, inputFileId: string | null) => ({ attempt, inputFileId }) as UpstreamBatch;
  const attempt = { id: "att_1", inputFileId: "file-1" };
  expect(isOf(batch("att_1", "file-2"), attempt)).toBe(true);
  expect(isOf(batch("att_2", "file-1"), attempt)).toBe(false);
  expect(isOf(batch(null, "file-1"), attempt)).toBe(true);
  expect(isOf(batch(null, null), { id: "att_1", inputFileId: null })).toBe(false);
});
