import type { ErrorCategory } from "../model/item.ts";
import type { ONLINE, OPENAI_BATCH } from "../model/upstream.ts";

/** One line of an input file, as it reaches a model. */
export interface LineRequest {
  /** The endpoint: `/v1/chat/completions`, … */
  url: string;
  /** `model` included, as the client wrote it. */
  body: Record<string, unknown>;
}

export interface LineContext {
  /** Aborted at the time limit, at cancel, and when the server stops. */
  readonly signal: AbortSignal;
  readonly tenant: string;
  /** custom_id. */
  readonly key: string;
  /** 0 for the first try. */
  readonly attempt: number;
  readonly batchId: string;
  /** The same for every try of the line. */
  readonly idempotencyKey: string;
  /** This try as a span of a trace; null = it belongs to none. */
  readonly traceparent: string | null;
}

/** An HTTP answer to a line: 2xx goes to the output file, everything else to the error file once no try is left. */
export interface LineAnswer {
  status_code: number;
  request_id: string;
  body: unknown;
  /** How an answer that is not 2xx is classed: by its status when absent. */
  failure?: { code: string; category: ErrorCategory } | undefined;
  /** Milliseconds the other side asks to wait before the next try. */
  retryAfterMs?: number | null | undefined;
}

/**
 * Whoever answers lines. Resolves with the answer of the other side, good or bad; throws when there is none (no connection, no
 * answer in time), which is classed as the errors of handlers are.
 */
export interface LineExecutor {
  answer(line: LineRequest, context: LineContext): Promise<LineAnswer>;
}

export interface Model {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly ownedBy: string;
  /** Endpoints it answers. */
  readonly endpoints: readonly string[];
  /** Null: a provider is asked. */
  readonly executor: LineExecutor | null;
  /** Executors that ask a provider for it, the one to take first; none for a model of this server. */
  readonly askedBy: readonly (typeof ONLINE | typeof OPENAI_BATCH)[];
}

/** Where models come from: the handlers of this server, configured upstreams. */
export interface ModelSource {
  /** Those it can name. */
  list(tenant: string): readonly Model[];
  /** Also one it serves without naming it (a pattern); null when it serves none of this name. */
  find(tenant: string, id: string): Model | null;
}

/** All models, those of earlier sources first. A name that two sources have is the earlier one's. */
export class Models {
  private readonly sources: readonly ModelSource[];

  constructor(sources: readonly ModelSource[]) {
    this.sources = sources;
  }

  list(tenant: string): Model[] {
    const byId = new Map<string, Model>();
    for (const source of this.sources) for (const model of source.list(tenant)) if (!byId.has(model.id)) byId.set(model.id, model);
    return [...byId.values()];
  }

  find(tenant: string, id: string): Model | null {
    for (const source of this.sources) {
      const model = source.find(tenant, id);
      if (model !== null) return model;
    }
    return null;
  }
}
