import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

const value = z.looseObject({
  stringValue: z.string().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
});
const attributes = z.array(z.looseObject({ key: z.string(), value }));
const span = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes,
  links: z.array(z.looseObject({ traceId: z.string(), spanId: z.string() })).optional(),
  status: z.looseObject({ code: z.number().optional() }).optional(),
});
const exported = z.looseObject({
  resourceSpans: z.array(
    z.looseObject({ resource: z.looseObject({ attributes }), scopeSpans: z.array(z.looseObject({ spans: z.array(span) })) }),
  ),
});

export interface SeenSpan {
  traceId: string;
  spanId: string;
  /** Null = it begins its trace. */
  parent: string | null;
  name: string;
  attributes: Record<string, unknown>;
  /** `trace/span`. */
  links: string[];
  failed: boolean;
  service: string;
}

/** What a collector is for the tests: takes OTLP over HTTP, understands JSON, keeps protobuf as it came. */
export class OtlpSink {
  readonly spans: SeenSpan[] = [];
  /** Every body, as bytes and their content type. */
  readonly bodies: { type: string; bytes: Buffer }[] = [];
  private readonly server: Server;
  private readonly waiting = new Set<() => void>();

  private constructor() {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const type = request.headers["content-type"] ?? "";
        this.take(request.url ?? "", type, Buffer.concat(parts));
        response.writeHead(200, { "content-type": type }).end(type === "application/json" ? "{}" : "");
      });
    });
  }

  /** Any free port when none is given. */
  static async open(port = 0): Promise<OtlpSink> {
    const sink = new OtlpSink();
    await new Promise<void>((resolve, reject) => sink.server.once("error", reject).listen(port, "127.0.0.1", resolve));
    return sink;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves with what `find` gives, now or when more has come. */
  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const told = (): void => {
          this.waiting.delete(told);
          resolve();
        };
        this.waiting.add(told);
      });
    }
  }

  /** The first span of this name that an attribute names, now or later. */
  span(name: string, attribute: string, value: unknown): Promise<SeenSpan> {
    return this.until(() => this.spans.find((each) => each.name === name && each.attributes[attribute] === value));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(url: string, type: string, bytes: Buffer): void {
    if (url !== "/v1/traces") throw new Error(`Spans were sent to ${url}`);
    this.bodies.push({ type, bytes });
    if (type === "application/json") {
      for (const { resource, scopeSpans } of exported.parse(JSON.parse(bytes.toString("utf8"))).resourceSpans) {
        const service = String(plain(resource.attributes)["service.name"]);
        for (const each of scopeSpans.flatMap(({ spans }) => spans)) {
          this.spans.push({
            traceId: each.traceId,
            spanId: each.spanId,
            parent: each.parentSpanId === undefined || each.parentSpanId === "" ? null : each.parentSpanId,
            name: each.name,
            attributes: plain(each.attributes),
            links: (each.links ?? []).map((link) => `${link.traceId}/${link.spanId}`),
            failed: each.status?.code === 2,
            service,
          });
        }
      }
    }
    for (const told of this.waiting) told();
  }
}

function plain(list: z.output<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(
    list.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? boolValue,
    ]),
  );
}
