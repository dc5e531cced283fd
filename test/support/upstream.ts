/**
 * A bare and fast chat-completions upstream for load benches: every request to `/v1/chat/completions` gets the same short
 * answer with its own model, over connections that are kept alive. It keeps no account; for that there is the peer of
 * openai-peer/.
 *
 *   node upstream.ts [PORT]        prints `ready <base URL>`
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Child } from "./child.ts";

export interface Upstream {
  /** With `/v1`, for clients. */
  readonly baseURL: string;
  close(): Promise<void>;
}

const HEAD = '{"id":"chatcmpl-upstream","object":"chat.completion","created":1767225600,"model":';
const TAIL =
  ',"choices":[{"index":0,"message":{"role":"assistant","content":"ok","refusal":null},"logprobs":null,"finish_reason":"stop"}],' +
  '"usage":{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":0},' +
  '"completion_tokens_details":{"reasoning_tokens":0}}}';
/** Finds the model without parsing the rest. */
const MODEL = /"model"\s*:\s*("(?:[^"\\]|\\.)*")/;

/** In this process; port 0 = any free one. */
export async function startUpstream(port = 0): Promise<Upstream> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (piece: string) => (body += piece));
    request.on("end", () => {
      const model = MODEL.exec(body)?.[1] ?? '"unknown"';
      const isAsked = request.method === "POST" && request.url === "/v1/chat/completions";
      const answer = isAsked
        ? HEAD + model + TAIL
        : '{"error":{"message":"Unknown request URL.","type":"invalid_request_error","param":null,"code":null}}';
      // Read as latin1, written as latin1: the bytes of the model stay as they are.
      response.writeHead(isAsked ? 200 : 404, { "content-type": "application/json", "content-length": answer.length });
      response.end(answer, "latin1");
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** In a process of its own, so that it takes no time from what is measured. */
export async function spawnUpstream(): Promise<Upstream> {
  const child = new Child(process.execPath, ["--conditions=batchyard-source", join(import.meta.dirname, "upstream.ts")]);
  const [, baseURL] = await child.line(/^ready (\S+)$/);
  return { baseURL: baseURL!, close: async () => void (await child.end("SIGTERM")) };
}

if (import.meta.main) {
  const { baseURL } = await startUpstream(Number(process.argv[2] ?? 0));
  process.stdout.write(`ready ${baseURL}\n`);
}
