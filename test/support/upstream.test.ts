import { afterEach, expect, it } from "vitest";
import { endChildren } from "./child.ts";
import { CLIENTS, clientOf } from "./openai-peer/driven.ts";
import { spawnUpstream, startUpstream, type Upstream } from "./upstream.ts";

afterEach(endChildren);

it.each<[string, () => Promise<Upstream>]>([
  ["in this process", startUpstream],
  ["in its own", spawnUpstream],
])("answers official clients, %s", async (_where, start) => {
  const upstream = await start();
  for (const [, Client] of CLIENTS) {
    const client = clientOf(upstream.baseURL, Client);
    const answer = await client.chat.completions.create({ model: "größe-1", messages: [{ role: "user", content: 'say "model": no' }] });
    expect(answer).toMatchObject({ model: "größe-1", choices: [{ message: { content: "ok" } }], usage: { total_tokens: 11 } });
    await expect(client.models.list()).rejects.toBeInstanceOf(Client.NotFoundError);
  }
  await upstream.close();
  await expect(fetch(upstream.baseURL)).rejects.toThrow("fetch failed");
});
