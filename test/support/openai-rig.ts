import OpenAI from "openai";
import OpenAI6 from "openai-v6";
import { serve, TOKEN, type Served, type ServedOptions } from "../../src/api/server.fixture.ts";

/** The official clients. Version 6 is used through the types of 7: what both have is the same. */
export const CLIENTS: readonly { version: string; Client: typeof OpenAI }[] = [
  { version: "7", Client: OpenAI },
  { version: "6", Client: OpenAI6 as unknown as typeof OpenAI },
];

export const CHAT = "/v1/chat/completions";
export const LOCAL = "batchyard-local";

/** A line of an input file; `change` is laid over it, undefined takes a field away. */
export function line(id: string, text: string, change: Record<string, unknown> = {}): string {
  const body = { model: LOCAL, messages: [{ role: "user", content: text }] };
  return JSON.stringify({ custom_id: id, method: "POST", url: CHAT, body, ...change });
}

export interface OpenAiRig {
  served: Served;
  url: string;
  client: OpenAI;
  /** A client of another credential, or other options. */
  as(options: Partial<ConstructorParameters<typeof OpenAI>[0]>): OpenAI;
  /** Uploads lines as a batch file. */
  upload(lines: readonly string[] | string): Promise<string>;
  create(lines: readonly string[] | string, change?: Partial<OpenAI.BatchCreateParams>): Promise<OpenAI.Batch>;
  /** Waits for a state, looking again whenever something happened. */
  until(id: string, ...states: OpenAI.Batch["status"][]): Promise<OpenAI.Batch>;
  /** Lines of a file; none for null. */
  lines(fileId: string | null | undefined): Promise<OutputLine[]>;
  close(): Promise<void>;
}

export interface OutputLine {
  id: string;
  custom_id: string;
  response: { status_code: number; request_id: string; body: Record<string, unknown> & { usage?: Record<string, number> } } | null;
  error: { code: string; message: string } | null;
}

export async function openAiRig(options: ServedOptions & { Client?: typeof OpenAI } = {}): Promise<OpenAiRig> {
  const served = await serve(options);
  const url = await served.listen();
  const Client = options.Client ?? OpenAI;
  const as: OpenAiRig["as"] = (given) => new Client({ apiKey: TOKEN, baseURL: `${url}/v1`, maxRetries: 0, ...given });
  const client = as({});
  const upload: OpenAiRig["upload"] = async (lines) => {
    const text = typeof lines === "string" ? lines : lines.map((each) => `${each}\n`).join("");
    const file = new File([text], "requests.jsonl", { type: "application/jsonl" });
    return (await client.files.create({ file, purpose: "batch" })).id;
  };
  return {
    served,
    url,
    client,
    as,
    upload,
    async create(lines, change = {}) {
      const input_file_id = await upload(lines);
      return client.batches.create({ input_file_id, endpoint: CHAT, completion_window: "24h", ...change });
    },
    async until(id, ...states) {
      for (;;) {
        const batch = await client.batches.retrieve(id);
        if (states.includes(batch.status)) return batch;
        const over = ["completed", "failed", "expired", "cancelled"].includes(batch.status);
        if (over) throw new Error(`${id} is ${batch.status}, not ${states.join(" or ")}: ${JSON.stringify(batch)}`);
      }
    },
    async lines(fileId) {
      if (fileId === null || fileId === undefined) return [];
      const text = await (await client.files.content(fileId)).text();
      return text
        .split("\n")
        .filter((each) => each !== "")
        .map((each) => JSON.parse(each) as OutputLine);
    },
    close() {
      const closed = served.close();
      // The clients keep their connections open; one that was used a moment ago does not count as idle yet.
      served.app.server.closeAllConnections();
      return closed;
    },
  };
}
