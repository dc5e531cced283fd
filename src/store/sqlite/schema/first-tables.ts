import { BATCH_STATES, CHUNK_STATES, FINAL_BATCH_STATES, OPEN_BATCH_STATES } from "../../../model/moves.ts";
import { inList } from "../rows/in-list.ts";

/** What a store began with; never edited after a release. */
export const FIRST_TABLES = `
  CREATE TABLE batches (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, operation TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (${inList(BATCH_STATES)})),
    epoch INTEGER NOT NULL DEFAULT 1, priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    -- counters: maintained by every commit, recounted by doctor
    total_items INTEGER NOT NULL DEFAULT 0, succeeded INTEGER NOT NULL DEFAULT 0 CHECK (succeeded >= 0),
    failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0), cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    expired INTEGER NOT NULL DEFAULT 0 CHECK (expired >= 0), running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
    retried INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0, cost INTEGER NOT NULL DEFAULT 0,
    leased_chunks INTEGER NOT NULL DEFAULT 0 CHECK (leased_chunks >= 0), open_chunks INTEGER NOT NULL DEFAULT 0 CHECK (open_chunks >= 0),
    -- scheduling: sealed, no open dependency, earliest pending chunk
    sealed INTEGER NOT NULL DEFAULT 0, deps_open INTEGER NOT NULL DEFAULT 0, ready_at INTEGER,
    -- last claim of one of its chunks, its creation before that: who was served longest ago is next
    served_at INTEGER NOT NULL,
    max_leased INTEGER, max_failures INTEGER, announced INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL, started_at INTEGER, completed_at INTEGER, deadline_at INTEGER,
    executor TEXT NOT NULL, stream TEXT, stream_key TEXT, close_reason TEXT, name TEXT, description TEXT, error TEXT,
    filters TEXT NOT NULL, options TEXT NOT NULL, input TEXT, notify TEXT NOT NULL, metadata TEXT, depends_on TEXT NOT NULL, tags TEXT NOT NULL, warnings TEXT NOT NULL,
    CHECK ((completed_at IS NOT NULL) = (status IN (${inList(FINAL_BATCH_STATES)}))),
    CHECK (succeeded + failed + cancelled + expired <= total_items),
    CHECK (status IN (${inList(OPEN_BATCH_STATES)}) OR (running = 0 AND leased_chunks = 0 AND succeeded + failed + cancelled + expired = total_items))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX batches_newest ON batches (tenant, created_at DESC, id DESC) WHERE sealed = 1;
  CREATE INDEX batches_status ON batches (tenant, status, created_at DESC, id DESC) WHERE sealed = 1;
  CREATE INDEX batches_operation ON batches (tenant, operation, created_at DESC, id DESC) WHERE sealed = 1;
  CREATE INDEX batches_runnable ON batches (priority, tenant, served_at, ready_at) WHERE sealed = 1 AND deps_open = 0 AND ready_at IS NOT NULL AND status IN ('pending', 'running');
  CREATE INDEX batches_ready ON batches (ready_at) WHERE sealed = 1 AND deps_open = 0 AND ready_at IS NOT NULL AND status IN ('pending', 'running');
  CREATE INDEX batches_deadline ON batches (deadline_at) WHERE deadline_at IS NOT NULL AND completed_at IS NULL;
  CREATE INDEX batches_ended ON batches (tenant, completed_at) WHERE completed_at IS NOT NULL;
  CREATE INDEX batches_unsealed ON batches (created_at) WHERE sealed = 0;

  CREATE TABLE batch_stats (batch_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE batch_counts (tenant TEXT, operation TEXT, status TEXT, batches INTEGER NOT NULL, PRIMARY KEY (tenant, operation, status)) STRICT, WITHOUT ROWID;
  CREATE TABLE batch_deps (batch_id TEXT, depends_on TEXT, PRIMARY KEY (depends_on, batch_id)) STRICT, WITHOUT ROWID;

  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, batch_id TEXT NOT NULL, epoch INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN (${inList(CHUNK_STATES)})),
    -- root: 1 = cut at intake, 0 = successor (retry, split); moved = items handed on to successors
    root INTEGER NOT NULL, position INTEGER NOT NULL, items INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0, moved INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL, crashes INTEGER NOT NULL, available_at INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0, lease_until INTEGER, worker_id TEXT, done BLOB,
    CHECK ((lease_until IS NOT NULL) = (state = 'leased')),
    CHECK (settled + moved <= items)
  ) STRICT;
  CREATE INDEX chunks_pending ON chunks (batch_id, available_at, id) WHERE state = 'pending';
  CREATE INDEX chunks_leased ON chunks (lease_until) WHERE state = 'leased';
  CREATE INDEX chunks_batch ON chunks (batch_id, id);
  -- hashes first: a look-up by key reads them without following the long payload
  CREATE TABLE payloads (chunk_id INTEGER PRIMARY KEY, batch_id TEXT NOT NULL, hashes BLOB NOT NULL, keys TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX payloads_batch ON payloads (batch_id);

  CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, batch_id TEXT NOT NULL, chunk_id INTEGER, epoch INTEGER NOT NULL,
    results INTEGER NOT NULL, created_at INTEGER NOT NULL,
    -- columns: see model/success-block.ts; keys: of results reported without a chunk; body: the results' texts
    columns BLOB NOT NULL, keys TEXT, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX segments_batch ON segments (batch_id, id);
  CREATE INDEX segments_chunk ON segments (chunk_id);

  CREATE TABLE failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, batch_id TEXT NOT NULL, chunk_id INTEGER, item INTEGER, epoch INTEGER NOT NULL,
    node_id TEXT NOT NULL, fingerprint TEXT NOT NULL, error TEXT NOT NULL, created_at INTEGER NOT NULL,
    -- the epoch whose retry took this failure back; null = it stands
    superseded INTEGER, line TEXT NOT NULL
  ) STRICT;
  CREATE INDEX failures_batch ON failures (batch_id, id) WHERE superseded IS NULL;
  CREATE INDEX failures_group ON failures (batch_id, fingerprint, id) WHERE superseded IS NULL;
  CREATE INDEX failures_node ON failures (batch_id, node_id);
  CREATE TABLE error_groups (
    batch_id TEXT, fingerprint TEXT, error TEXT NOT NULL, code TEXT NOT NULL, category TEXT NOT NULL, failures INTEGER NOT NULL CHECK (failures >= 0),
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, examples TEXT NOT NULL, PRIMARY KEY (batch_id, fingerprint)
  ) STRICT, WITHOUT ROWID;
  -- keys of results that were reported without a chunk: what makes each count once
  CREATE TABLE recorded (batch_id TEXT, key TEXT, PRIMARY KEY (batch_id, key)) STRICT, WITHOUT ROWID;

  CREATE TABLE records (
    tenant TEXT, collection TEXT, key TEXT, data TEXT NOT NULL, writer TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, collection, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE collections (tenant TEXT, name TEXT, records INTEGER NOT NULL, PRIMARY KEY (tenant, name)) STRICT, WITHOUT ROWID;

  CREATE TABLE files (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    purpose TEXT, created_at INTEGER NOT NULL, expires_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX files_newest ON files (tenant, created_at DESC, id DESC);
  CREATE INDEX files_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sessions (hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, key_id TEXT NOT NULL, role TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE sign_ins (hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, key_id TEXT NOT NULL, role TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE idempotency (
    tenant TEXT, key TEXT, request_hash TEXT NOT NULL, status INTEGER, body TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (tenant, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_age ON idempotency (created_at);

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, type TEXT NOT NULL, entity_kind TEXT NOT NULL, entity_id TEXT NOT NULL,
    severity TEXT NOT NULL, ts INTEGER NOT NULL, data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_entity ON events (entity_id, seq);
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, channel TEXT NOT NULL, dedupe_key TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, next_at INTEGER, delivered_at INTEGER, last_error TEXT, created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX outbox_due ON outbox (next_at) WHERE next_at IS NOT NULL;
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, credential TEXT, address TEXT,
    action TEXT NOT NULL, target TEXT NOT NULL, before TEXT, after TEXT, outcome TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
