import type { FastifyReply } from "fastify";
import type { Clock } from "../../../src/model/clock.ts";
import { randomText } from "../../../src/model/ids.ts";
import { type Answerer, errorBody } from "./answers.ts";
import type { Faults } from "./faults.ts";
import type { Books } from "./record.ts";

/** What all parts of a peer share. */
export interface World {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly books: Books;
  readonly files: Files;
  readonly answerer: Answerer;
  readonly azure: boolean;
  /** Null = every model is known. */
  readonly models: readonly string[] | null;
  /** In how many steps a batch does its lines. */
  readonly runSteps: number;
  /** How many tokens of a model may wait at once; none = any number. */
  readonly enqueuedTokens: Readonly<Record<string, number>>;
  /** How many tokens of a model wait in batches that have passed their validation. */
  enqueued(model: string): number;
}

/** An answer that is an error, in the provider's envelope. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, code: string | null, message: string, param: string | null = null) {
    super(message);
    this.status = status;
    this.body = errorBody(status, code, message, param);
  }
}

/** The error that a fault asks for. */
export function errorReply(
  reply: FastifyReply,
  { status, code, message, retryAfter }: { status: number; code?: string; message?: string; retryAfter?: number },
): FastifyReply {
  if (retryAfter !== undefined) void reply.header("retry-after", String(retryAfter));
  const usual = status === 429 ? "rate_limit_exceeded" : null;
  return reply.code(status).send(errorBody(status, code ?? usual, message ?? `The peer answers ${status} here.`));
}

export const cannotFind = (id: string): Refusal =>
  new Refusal(400, "invalid_request", `Cannot find file ${id}, or organization ${ORGANIZATION} does not have access to it.`, "file_id");

export const ORGANIZATION = "org-peer0000000000000000000";

export const seconds = (ms: number): number => Math.floor(ms / 1000);

export interface StoredFile {
  id: string;
  bytes: Buffer;
  filename: string;
  purpose: string;
  /** Unix milliseconds. */
  createdAt: number;
  /** Unix seconds. */
  expiresAt: number | null;
  late?: { tries?: number; ms?: number } | undefined;
  /** How often a batch was asked for while it was late. */
  tries: number;
}

/** Every file, in memory. */
export class Files {
  private readonly byId = new Map<string, StoredFile>();

  add(file: Omit<StoredFile, "id" | "tries">): StoredFile {
    const stored = { id: `file-${randomText(22)}`, tries: 0, ...file };
    this.byId.set(stored.id, stored);
    return stored;
  }

  find(id: string): StoredFile | undefined {
    return this.byId.get(id);
  }

  /** Throws the provider's 404. */
  get(id: string): StoredFile {
    const file = this.byId.get(id);
    if (file === undefined) throw new Refusal(404, null, `No such File object: ${id}`, "id");
    return file;
  }

  delete(id: string): void {
    this.get(id);
    this.byId.delete(id);
  }

  /** Newest first. */
  all(): StoredFile[] {
    return [...this.byId.values()].toReversed();
  }
}

export function fileWire({ id, bytes, filename, purpose, createdAt, expiresAt }: StoredFile): Record<string, unknown> {
  return {
    object: "file",
    id,
    purpose,
    filename,
    bytes: bytes.length,
    created_at: seconds(createdAt),
    expires_at: expiresAt,
    status: "processed",
    status_details: null,
  };
}

/** A page after an object id. `all` in the order of the list, hidden ones already left out; the cursor may name any of `known`. */
export function page<T extends { id: string }>(
  all: readonly T[],
  known: readonly T[],
  query: Record<string, unknown>,
  limits: { most: number; usual: number },
): { rows: T[]; hasMore: boolean } {
  const limit = query["limit"] === undefined ? limits.usual : Number(query["limit"]);
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.most) {
    throw new Refusal(400, "integer_out_of_range", `Invalid 'limit': expected 1 to ${limits.most}.`, "limit");
  }
  const after = query["after"];
  const place = known.findIndex(({ id }) => id === after);
  if (after !== undefined && place < 0) throw new Refusal(404, null, `No such object: ${JSON.stringify(after)}`, "after");
  const beyond = new Set(known.slice(place + 1).map(({ id }) => id));
  const rest = all.filter(({ id }) => beyond.has(id));
  return { rows: rest.slice(0, limit), hasMore: rest.length > limit };
}

export function listWire(data: readonly { id: string }[] | readonly Record<string, unknown>[], hasMore: boolean): Record<string, unknown> {
  const id = (row: { id?: unknown } | undefined): unknown => row?.id ?? null;
  return { object: "list", data, first_id: id(data[0]), last_id: id(data.at(-1)), has_more: hasMore };
}
