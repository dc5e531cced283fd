import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { randomText } from "../../../src/model/ids.ts";
import { ENDPOINTS } from "./answers.ts";
import type { Call, CallFault } from "./faults.ts";
import type { Provider } from "./provider.ts";
import { errorReply, fileWire, Refusal } from "./world.ts";

/** What keeps calls back or turns them away, outside the provider. */
export interface Door {
  /** True while everything is answered with 503. */
  readonly isShut: boolean;
  down(how: "refused" | "503", ms?: number): void;
  /** Resolves at the next release. */
  held(): Promise<void>;
}

type Fields = Record<string, unknown>;
type Act = (request: FastifyRequest) => unknown;

/** Bytes of a file, as an answer. */
class Content {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** An answer with a status of its own. */
class Answered {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** The routes of the provider under `/v1` and, as Azure has it, `/openai/v1`; every call goes through the faults. */
export async function routes(provider: Provider, door: Door): Promise<FastifyInstance> {
  const app = fastify({ bodyLimit: 512 * 1024 * 1024, genReqId: () => `req_${randomText(24)}`, forceCloseConnections: true });
  await app.register(multipart, { limits: { fileSize: 512 * 1024 * 1024 } });
  app.removeContentTypeParser("application/json");
  // Official clients send the content type without a body.
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    try {
      done(null, text === "" ? {} : JSON.parse(String(text)));
    } catch {
      done(new Refusal(400, null, "We could not parse the JSON body of your request."));
    }
  });
  app.addHook("onRequest", async (request, reply) => {
    void reply.header("x-request-id", request.id);
    if (!door.isShut) return;
    provider.faults.count("down");
    throw new Refusal(503, null, "The server is currently unavailable.");
  });
  app.setErrorHandler((error, _request, reply) => {
    const refusal = error instanceof Refusal ? error : new Refusal(500, null, String(error));
    return reply.code(refusal.status).send(refusal.body);
  });
  app.setNotFoundHandler((request) => {
    throw new Refusal(404, "unknown_url", `Unknown request URL: ${request.method} ${request.url}.`);
  });

  const { files } = provider;
  const id = ({ params }: FastifyRequest): string => (params as { id: string }).id;
  const query = (request: FastifyRequest): Fields => request.query as Fields;
  const fields = (request: FastifyRequest): Fields => (request.body ?? {}) as Fields;
  const table: readonly [Call, "GET" | "POST" | "DELETE", string, Act][] = [
    ["files.create", "POST", "/files", (request) => upload(request, provider)],
    ["files.list", "GET", "/files", (request) => provider.listFiles(query(request))],
    ["files.retrieve", "GET", "/files/:id", (request) => fileWire(files.get(id(request)))],
    ["files.content", "GET", "/files/:id/content", (request) => new Content(files.get(id(request)).bytes)],
    ["files.delete", "DELETE", "/files/:id", (request) => (files.delete(id(request)), { id: id(request), object: "file", deleted: true })],
    ["batches.create", "POST", "/batches", (request) => provider.createBatch(fields(request))],
    ["batches.list", "GET", "/batches", (request) => provider.listBatches(query(request))],
    ["batches.retrieve", "GET", "/batches/:id", (request) => provider.retrieveBatch(id(request))],
    ["batches.cancel", "POST", "/batches/:id/cancel", (request) => provider.cancelBatch(id(request))],
    ["models", "GET", "/models", () => provider.listModels()],
    ...ENDPOINTS.map((endpoint): [Call, "POST", string, Act] => [
      endpoint.slice("/v1/".length).replace("/", ".") as Call,
      "POST",
      endpoint.slice("/v1".length),
      (request) => {
        const { status, body } = provider.ask(endpoint, fields(request), request.id);
        return new Answered(status, body);
      },
    ]),
  ];
  for (const prefix of ["/v1", "/openai/v1"]) {
    for (const [call, method, path, act] of table) {
      app.route({ method, url: prefix + path, handler: (request, reply) => handled(call, act, request, reply, provider, door) });
    }
  }
  await app.ready();
  return app;
}

/** One call through its faults: what comes before the act, the act, what becomes of the answer. */
async function handled(
  call: Call,
  act: Act,
  request: FastifyRequest,
  reply: FastifyReply,
  provider: Provider,
  door: Door,
): Promise<unknown> {
  const faults = provider.faults.ofCall(call);
  const hit = <K extends CallFault["fault"]>(kind: K, acted?: boolean): Extract<CallFault, { fault: K }> | undefined => {
    const found = faults.find(
      (each): each is Extract<CallFault, { fault: K }> =>
        each.fault === kind && (acted === undefined || (("acted" in each && each.acted) ?? false) === acted),
    );
    if (found !== undefined) provider.faults.count("status" in found ? `answer ${String(found.status)}` : kind);
    return found;
  };
  // Who waits for a call may rely on it: it has been acted on, unless a fault comes before that.
  const isEarly = faults.some((each) => each.fault !== "lose-reply" && each.fault !== "cut" && !("acted" in each && each.acted === true));
  if (isEarly) provider.books.arrived(call);
  const slow = hit("slow");
  if (slow !== undefined) await new Promise<void>((resolve) => provider.clock.after(slow.ms, resolve));
  const outage = hit("down");
  if (outage !== undefined) door.down(outage.how, outage.ms);
  if (outage !== undefined || hit("throw") !== undefined) return cutOff(request, reply);
  if (hit("hold", false) !== undefined) await door.held();
  const instead = hit("answer", false);
  if (instead !== undefined) {
    request.raw.resume();
    return errorReply(reply, instead);
  }

  const answer = await Promise.resolve(request)
    .then(act)
    .finally(() => {
      if (!isEarly) provider.books.arrived(call);
    });

  if (hit("hold", true) !== undefined) await door.held();
  if (hit("lose-reply") !== undefined) return cutOff(request, reply);
  const spoilt = hit("answer", true);
  if (spoilt !== undefined) return errorReply(reply, spoilt);
  if (answer instanceof Answered) return reply.code(answer.status).send(answer.body);
  if (!(answer instanceof Content)) return reply.send(answer);
  const cut = hit("cut");
  return cut === undefined ? reply.type("application/octet-stream").send(answer.bytes) : cutShort(request, reply, answer.bytes, cut);
}

function cutOff(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
}

/** A part of the bytes, then a clean end as if that were all, or a broken connection. */
function cutShort(
  request: FastifyRequest,
  reply: FastifyReply,
  bytes: Buffer,
  { share, how }: { share: number; how: string },
): FastifyReply {
  reply.hijack();
  const part = bytes.subarray(0, Math.max(1, Math.floor(bytes.length * share)));
  const length = how === "short" ? part.length : bytes.length + 1;
  reply.raw.writeHead(200, { "content-type": "application/octet-stream", "content-length": length });
  if (how === "short") reply.raw.end(part);
  else reply.raw.write(part, () => request.raw.socket.destroy());
  return reply;
}

async function upload(request: FastifyRequest, provider: Provider): Promise<Fields> {
  const fields: Fields = {};
  let file: { bytes: Buffer; name: string } | null = null;
  for await (const part of request.parts()) {
    if (part.type === "file") file = { bytes: await part.toBuffer(), name: part.filename };
    else fields[part.fieldname] = part.value;
  }
  if (file === null) throw new Refusal(400, "missing_required_parameter", "'file' is a required property", "file");
  return provider.upload(file.bytes, file.name, fields);
}
