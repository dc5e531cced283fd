/** An operation that another service does: chunks are pushed to its URL, signed; its answer settles each item. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createBatchyard, defineOperation } from "batchyard";
import { Webhook } from "standardwebhooks";

const secret = "shared by both sides, from your configuration";

// The service. It can be written in any language: one POST, one JSON answer.
const service = createServer(async (request, response) => {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  // Throws when somebody else sent it, or long ago.
  new Webhook(Buffer.from(secret).toString("base64")).verify(body, request.headers as Record<string, string>);
  const { items } = JSON.parse(body) as { items: { key: string; payload: { cents: number } }[] };
  const results = items.map(({ key, payload }) =>
    payload.cents >= 0
      ? { key, result: { euros: payload.cents / 100 } }
      : { key, error: "A price cannot be negative", code: "negative", category: "data" },
  );
  response.setHeader("content-type", "application/json").end(JSON.stringify({ results }));
});
await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
const { port } = service.address() as AddressInfo;

const convert = defineOperation({ name: "convert", http: { url: `http://127.0.0.1:${port}/convert`, secret } });
const yard = await createBatchyard({ data: "./data/http-push", operations: [convert] });
const { id } = await yard.createBatch({
  operation: "convert",
  items: [
    { id: "tea", cents: 350 },
    { id: "coffee", cents: 420 },
    { id: "refund", cents: -100 },
  ],
});
const batch = await yard.waitForBatch(id);
console.log(`${batch.status}: ${batch.succeeded_items} of ${batch.total_items}`);
for await (const { nodeId, result, errorCode } of yard.results(id))
  console.log(nodeId, result === undefined ? errorCode : JSON.stringify(result));
await yard.close();
service.close();
