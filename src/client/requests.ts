import type { Transport } from "./transport.ts";
import type {
  CollectedRequest,
  CollectorState,
  NewSingleRequest,
  RequestsPage,
  RequestsQuery,
  RequestState,
  TakenRequests,
} from "./wire.ts";

/** The server answers a wait after a minute at the latest. */
const LONGEST_WAIT_SECONDS = 60;

/** `requests` of a client: single requests to models, answered in batches. */
export function requestCalls(transport: Transport) {
  const at = (id: string): string => `/api/requests/${encodeURIComponent(id)}`;
  const keyed = (key: string | undefined): Record<string, string> => (key === undefined ? {} : { "idempotency-key": key });
  const get = async (id: string, wait = 0, signal?: AbortSignal): Promise<CollectedRequest> =>
    (await transport.json<{ request: CollectedRequest }>(at(id), { query: { wait }, signal })).request;
  const act = async (action: "pause" | "resume"): Promise<CollectorState> =>
    (await transport.json<{ collector: CollectorState }>(`/api/requests/collector/${action}`, { method: "POST", json: {} })).collector;
  return {
    /** Resolves when the request is durably in its window. */
    async submit(request: NewSingleRequest, extras: { idempotencyKey?: string } = {}): Promise<RequestState> {
      const headers = keyed(extras.idempotencyKey);
      return (await transport.json<{ request: RequestState }>("/api/requests", { method: "POST", json: request, headers })).request;
    },
    /** Many at once; each is taken or refused by itself. */
    async submitAll(requests: readonly NewSingleRequest[], extras: { idempotencyKey?: string } = {}): Promise<TakenRequests> {
      const headers = keyed(extras.idempotencyKey);
      return transport.json<TakenRequests>("/api/requests", { method: "POST", json: requests, headers });
    },
    /** As it is now. */
    get: (id: string): Promise<CollectedRequest> => get(id),
    /** Waits, however long it takes, until it has ended. */
    async wait(id: string, options: { signal?: AbortSignal } = {}): Promise<CollectedRequest> {
      for (;;) {
        const request = await get(id, LONGEST_WAIT_SECONDS, options.signal);
        if (request.ended_at !== null) return request;
      }
    },
    /** Newest first. */
    async list(query: RequestsQuery = {}): Promise<RequestsPage> {
      return transport.json<RequestsPage>("/api/requests", { query: { ...query } });
    },
    /** Takes back a request that still waits in its window. */
    async cancel(id: string): Promise<RequestState> {
      return (await transport.json<{ request: RequestState }>(at(id), { method: "DELETE" })).request;
    },
    /** What waits, when it goes, and why it does not. */
    async collector(): Promise<CollectorState> {
      return (await transport.json<{ collector: CollectorState }>("/api/requests/collector")).collector;
    },
    pause: (): Promise<CollectorState> => act("pause"),
    resume: (): Promise<CollectorState> => act("resume"),
  };
}
