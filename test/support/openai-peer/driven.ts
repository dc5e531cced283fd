import { OpenAI, toFile } from "openai";
import { OpenAI as OpenAI6 } from "openai-v6";
import type { OutputLine } from "./lines.ts";

/** The official clients; what the tests use of them has the same types in both. */
export const CLIENTS: readonly (readonly [string, typeof OpenAI])[] = [
  ["openai 7", OpenAI],
  ["openai 6", OpenAI6 as unknown as typeof OpenAI],
];

/** A client that never tries twice, so that each fault is seen. */
export function clientOf(baseURL: string, Client: typeof OpenAI = OpenAI): OpenAI {
  return new Client({ baseURL, apiKey: "any", maxRetries: 0 });
}

export function chatLine(customId: string, content: string, model = "gpt-4o"): Record<string, unknown> {
  return { custom_id: customId, method: "POST", url: "/v1/chat/completions", body: { model, messages: [{ role: "user", content }] } };
}

/** `count` lines `c1`, `c2`, … */
export function chatLines(count: number, model?: string): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => chatLine(`c${index + 1}`, `question ${index + 1}`, model));
}

export async function upload(client: OpenAI, lines: readonly (string | object)[]): Promise<OpenAI.FileObject> {
  const text = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
  return client.files.create({ file: await toFile(Buffer.from(text), "input.jsonl"), purpose: "batch" });
}

export async function submit(client: OpenAI, lines: readonly (string | object)[], attempt?: string): Promise<OpenAI.Batch> {
  const { id } = await upload(client, lines);
  return create(client, id, attempt);
}

export function create(client: OpenAI, fileId: string, attempt?: string): Promise<OpenAI.Batch> {
  const metadata = attempt === undefined ? {} : { metadata: { attempt } };
  return client.batches.create({ input_file_id: fileId, endpoint: "/v1/chat/completions", completion_window: "24h", ...metadata });
}

/** The lines of a file; none for no file. */
export async function linesOf(client: OpenAI, fileId: string | null | undefined): Promise<OutputLine[]> {
  if (fileId === null || fileId === undefined) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as OutputLine);
}

export const ids = (lines: readonly OutputLine[]): (string | null)[] => lines.map(({ custom_id }) => custom_id);

/** The error that the promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  return promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
  );
}
