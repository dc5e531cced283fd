import OpenAI, { toFile } from "openai";
import { setTimeout as sleep } from "node:timers/promises";

// The official client, sent to a running Batchyard by its base URL.
const server = process.env["BATCHYARD_URL"] ?? "http://127.0.0.1:8377";
const client = new OpenAI({ baseURL: `${server}/v1`, apiKey: process.env["BATCHYARD_TOKEN"] });

const lines = ["I love this wonderful garden chair.", "Broken blue table, what a terrible thing."].map((content, i) =>
  JSON.stringify({
    custom_id: `review-${i + 1}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "batchyard-local", messages: [{ role: "user", content }] },
  }),
);
const file = await client.files.create({ file: await toFile(Buffer.from(lines.join("\n")), "reviews.jsonl"), purpose: "batch" });

let batch = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
  await sleep(200);
  batch = await client.batches.retrieve(batch.id);
}
console.log(`${batch.status}: ${batch.request_counts!.completed} of ${batch.request_counts!.total}`);

const output = await (await client.files.content(batch.output_file_id!)).text();
for (const line of output.trim().split("\n")) {
  const { custom_id, response } = JSON.parse(line) as { custom_id: string; response: { body: OpenAI.ChatCompletion } };
  const annotation = JSON.parse(response.body.choices[0]!.message.content!) as { sentimentLabel: string };
  console.log(`${custom_id}: ${annotation.sentimentLabel}`);
}
