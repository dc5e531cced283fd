/**
 * The one table of errors: code → HTTP status and the sentence a client reads. docs/operate/errors.md is held to it by a test.
 * `{name}` in a sentence is filled from the error's `values`; sentences name the fault and the cure.
 */
export const ERRORS = {
  // 400: the request itself
  unknown_item: { status: 400, message: "Batch {batch} has no open item '{key}'" },
  validation_failed: { status: 400, message: "The request is not valid: {summary}" },
  bad_json: { status: 400, message: "The body is not JSON: {reason}" },
  empty_input: { status: 400, message: "There are no items; send one JSON object per line" },
  empty_body: { status: 400, message: "The body is empty; send a JSON object" },
  bad_id: { status: 400, message: "'{id}' is not a valid id; ids match {pattern}" },
  duplicate_key: { status: 400, message: "Key '{key}' is used by items {first} and {second}; keys must be unique within a batch" },
  invalid_cursor: { status: 400, message: "This cursor was not issued for this list; start again without one" },
  repeated_parameter: { status: 400, message: "Query parameter '{name}' is given more than once" },
  bad_idempotency_key: { status: 400, message: "Idempotency-Key must be 1 to 255 visible ASCII characters" },
  key_in_url: { status: 400, message: "Credentials do not belong in a URL; send 'Authorization: Bearer …'" },
  forbidden_key: { status: 400, message: "The property name '{name}' is not allowed in a request" },
  address_not_allowed: { status: 400, message: "The address {address} is not allowed as a target: {reason}" },
  unknown_operation: { status: 400, message: "There is no operation '{operation}'; known: {known}" },
  unknown_channel: { status: 400, message: "There is no notification channel '{channel}'; known: {known}" },
  mail_not_set: {
    status: 400,
    message: "Channel '{channel}' is e-mail, but no mail server is set; set BATCHYARD_SMTP_URL and BATCHYARD_SMTP_FROM",
  },
  unknown_dependency: {
    status: 400,
    message: "depends_on names '{id}', which does not exist; it takes ids of batches, and GET /api/batch/history lists them",
  },
  schema_remote_ref: { status: 400, message: "The JSON Schema refers to '{ref}'; only references within the schema ('#…') are allowed" },
  invalid_schema: { status: 400, message: "The JSON Schema cannot be compiled: {reason}" },
  invalid_expression: { status: 400, message: "The expression cannot be compiled: {reason}" },
  ambiguous_queue: {
    status: 400,
    message: "'{name}' is a stream and an operation; add kind 'stream' or 'operation'",
  },
  bad_items: { status: 400, message: "{count} of the items are not valid: {summary}" },
  bad_file: { status: 400, message: "The file cannot be read as {format}: {reason}" },
  not_cancellable: { status: 400, message: "Batch cannot be cancelled (not found or already completed)" },
  item_refused: { status: 400, message: "{reason}" },
  ids_not_numeric: { status: 400, message: "{noun} IDs must be numeric" },
  missing_key: { status: 400, message: "The item has no '{field}' to find its window by; it is a text of 1 to 512 characters or a number" },
  // 401, 403
  unauthorized: { status: 401, message: "A valid credential is required; send 'Authorization: Bearer by_…' or sign in" },
  invalid_key: { status: 401, message: "The credential is unknown, revoked or expired; ask whoever runs this server for a new one" },
  forbidden: { status: 403, message: "This needs the role {role}; use a key that has it" },
  link_of_one_batch: { status: 403, message: "A shared link shows its own batch and nothing else" },
  cross_site_request: { status: 403, message: "Requests with a session cookie must come from the same origin" },
  // 404
  not_found: { status: 404, message: "There is nothing at {path}; GET /openapi.json lists what there is" },
  batch_not_found: { status: 404, message: "Batch not found" },
  batch_removed: { status: 404, message: "The batch {id} ({status}) was removed on {at} by {policy}" },
  file_not_found: { status: 404, message: "There is no file '{id}': it was removed, has expired or never was here" },
  record_not_found: { status: 404, message: "Collection '{collection}' has no record '{key}'" },
  stream_not_found: { status: 404, message: "There is no stream '{stream}'; GET /api/streams lists them" },
  queue_not_found: { status: 404, message: "There is no such queue; queues are named after streams and operations" },
  worker_not_found: { status: 404, message: "There is no such worker; GET /api/system/workers lists them" },
  chunk_not_held: { status: 404, message: "Nobody works on this chunk; GET /api/system/workers/chunks lists those at work" },
  request_not_found: { status: 404, message: "There is no request '{id}': it was removed or never was here" },
  alert_not_found: { status: 404, message: "There is no such alert; GET /api/admin/batch-monitoring/alerts lists them" },
  bulk_not_found: { status: 404, message: "There is no such act on many batches; GET /api/batch/bulk lists them" },
  rule_not_found: { status: 404, message: "There is no alert rule '{name}'; GET /api/admin/batch-monitoring/rules lists them" },
  failure_group_not_found: {
    status: 404,
    message: "No failure of the kind '{fingerprint}' is counted any more; GET /api/system/failures/groups lists the kinds",
  },
  mute_not_found: {
    status: 404,
    message: "The kind '{fingerprint}' is not muted, or its mute is over; GET /api/system/failures/mutes lists them",
  },
  silence_not_found: {
    status: 404,
    message: "There is no such silence, or it is over; GET /api/admin/batch-monitoring/silences lists them",
  },
  breaker_not_found: { status: 404, message: "There is no breaker '{name}'; GET /api/system/breakers lists them" },
  method_not_allowed: { status: 405, message: "{method} is not allowed at {path}; allowed: {allowed}" },
  upload_too_slow: { status: 408, message: "{seconds} s went by in waiting for the body; send it again, or in smaller parts" },
  // 409
  invalid_state: { status: 409, message: "A {status} batch cannot be {action}; that needs {allowed}" },
  request_not_waiting: {
    status: 409,
    message: "Request {id} is {state} and cannot be taken back; cancel its batch {batch}, which ends every open request in it",
  },
  custom_id_in_use: { status: 409, message: "custom_id '{custom_id}' is that of another open request of the job type {jobType}: {id}" },
  nothing_to_retry: { status: 409, message: "Batch {id} has no failed items that match; nothing to retry" },
  nothing_to_replay: { status: 409, message: "Batch {id} has no items that match; nothing to replay" },
  payloads_missing: {
    status: 409,
    message: "{missing} of the {expected} items of batch {id} cannot be replayed: their payloads are not here (removed, or never sent)",
  },
  idempotency_mismatch: {
    status: 409,
    message: "This Idempotency-Key was used before with another request; give each request a key of its own",
  },
  idempotency_in_progress: { status: 409, message: "A request with this Idempotency-Key is still running; try again shortly" },
  lease_lost: { status: 409, message: "The lease on chunk {chunk} was lost (fence {fence}); drop the chunk and lease again" },
  file_in_use: { status: 409, message: "File {id} is used by batch {batch}; it can be removed once that has ended" },
  ready_made_stream: { status: 409, message: "The stream {stream} is ready-made and cannot be {action}; {cure}" },
  preview_required: {
    status: 409,
    message:
      "{field} of stream {stream} changes from {from} to {to}, which is more than 20 %; ask POST /api/streams/{stream}/preview for these rules first (it holds for an hour), or say why not with ?reason=",
  },
  audit_whole: { status: 409, message: "The audit log is as it was written, and so is its anchor: there is nothing to accept" },
  channel_fixed: { status: 409, message: "Channel '{channel}' comes from {from} and can only be changed there" },
  worker_resized_there: {
    status: 409,
    message: "{worker} runs outside of this server; how much it takes at once is what it asks for: start it with another number",
  },
  rule_fixed: { status: 409, message: "'{name}' is a rule of kind {kind} and stays one; give the new rule another name" },
  overridden_by_env: {
    status: 409,
    message: "{path} is set by {name} of the environment or a flag of this process; change it there and restart",
  },
  // 413, 415
  too_large: {
    status: 413,
    message: "The body is larger than {limit} bytes; send it in parts, or ask whoever runs this server for a higher limit",
  },
  too_many_items: { status: 413, message: "A batch takes at most {limit} items; split it, or raise BATCHYARD_MAX_ITEMS" },
  line_too_long: { status: 413, message: "Line {line} is longer than {limit} bytes" },
  unpacked_too_large: { status: 413, message: "The unpacked file is larger than {limit} bytes" },
  unsupported_type: { status: 415, message: "Content type '{type}' is not supported here; accepted: {accepted}" },
  bad_encoding: { status: 415, message: "The text is {encoding}; save it as UTF-8" },
  settings_invalid: { status: 422, message: "The settings are not valid: {summary}" },
  // 429, 5xx
  rate_limited: { status: 429, message: "Too many requests; try again in {seconds} s" },
  header_too_large: { status: 431, message: "The request headers are too large; send fewer or shorter ones" },
  internal: { status: 500, message: "Something went wrong here; the request id finds it in the log" },
  settings_not_saved: { status: 500, message: "The settings cannot be saved to runtime.env ({reason}); nothing was changed" },
  unavailable: { status: 503, message: "The server is {reason}; try again in {seconds} s" },
  queue_full: { status: 503, message: "{waiting} batches wait, of at most {limit} (QUEUE_MAX_SIZE); try again in {seconds} s" },
  stream_full: { status: 503, message: "Stream {stream} takes no more than {limit} open items; try again in {seconds} s" },
  storage_full: { status: 507, message: "The store cannot write: {reason}. Free some space; nothing accepted so far is lost" },
  // start-up and library
  bad_config: { status: 500, message: "{name} is {found}; {allowed}" },
  data_in_use: {
    status: 500,
    message: "The data directory {path} is in use by pid {pid} since {since}; stop that process or choose another directory",
  },
  newer_schema: {
    status: 500,
    message: "The store has schema {found}, this version knows up to {known}; run a newer Batchyard or restore a backup",
  },
  damaged_store: { status: 500, message: "The store {path} is damaged: {reason}. Restore the last backup; nothing was deleted" },
} as const satisfies Record<string, { status: number; message: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One fault of a validation error. `path` is dotted ("options.batchSize"); `code` is a snake_case or zod issue code. */
export interface Fault {
  path: string;
  message: string;
  code: string;
}

export interface ErrorExtras {
  /** All faults at once, for validation errors. */
  errors?: Fault[];
  /** Seconds, sent as Retry-After. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** The error every layer throws; callers branch on `code`, never on text. */
export class BatchyardError extends Error {
  override readonly name = "BatchyardError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly errors: Fault[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, values: Record<string, string | number> = {}, extras: ErrorExtras = {}) {
    super(fill(ERRORS[code].message, values), extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.status = ERRORS[code].status;
    this.errors = extras.errors;
    this.retryAfterSeconds = extras.retryAfterSeconds;
  }
}

/** A validation error out of its faults; the sentence shows the first ones, `errors` has all. */
export function invalid(errors: Fault[], code: "validation_failed" | "bad_items" = "validation_failed"): BatchyardError {
  const shown = errors.slice(0, 3).map((fault) => (fault.path === "" ? fault.message : `${fault.path}: ${fault.message}`));
  const summary = shown.join("; ") + (errors.length > 3 ? `; and ${errors.length - 3} more` : "");
  return new BatchyardError(code, { summary, count: errors.length }, { errors: errors.slice(0, 100) });
}

function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}
