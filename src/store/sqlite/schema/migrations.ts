import { ATTEMPT_STATES } from "../../../model/attempt-moves.ts";
import { SIZE_SUMS } from "../../../model/job-totals.ts";
import { WINDOW_STATES } from "../../../model/moves.ts";
import { OPENAI_STATES } from "../../../model/openai-moves.ts";
import { REQUEST_OUTCOMES } from "../../../model/request-states.ts";
import { BULK_ACTIONS, BULK_STATUSES } from "../../bulk.ts";
import type { Database } from "../database/database.ts";
import { FINAL_OPENAI, inList, OPEN_OPENAI } from "../rows/in-list.ts";
import { fillAnalyses, fillRollups } from "../sums/rollup-recount.ts";
import { FIRST_TABLES } from "./first-tables.ts";

/** Applied in order, each in its own transaction, never edited after a release: a change is a new entry. */
export const MIGRATIONS: readonly (string | { sql: string; fill(db: Database): void })[] = [
  FIRST_TABLES,
  `
  CREATE TABLE streams (
    tenant TEXT, name TEXT, definition TEXT NOT NULL, paused INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE windows (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, stream TEXT NOT NULL, key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (${inList(WINDOW_STATES)})),
    opened_at INTEGER NOT NULL, last_item_at INTEGER NOT NULL, items INTEGER NOT NULL CHECK (items > 0), bytes INTEGER NOT NULL, held INTEGER NOT NULL,
    closed_at INTEGER, lag_ms INTEGER,
    CHECK ((closed_at IS NOT NULL) = (state = 'closed'))
  ) STRICT, WITHOUT ROWID;
  -- one open window a stream and key, whoever writes
  CREATE UNIQUE INDEX windows_open ON windows (tenant, stream, key) WHERE state = 'open';
  CREATE INDEX windows_closed ON windows (tenant, closed_at) WHERE state = 'closed';
  -- one row a window and group commit; skipped = items that were dropped off its front
  CREATE TABLE window_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, window_id TEXT NOT NULL, items INTEGER NOT NULL, skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped < items),
    keys TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX window_items_window ON window_items (window_id, id);
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, stream TEXT NOT NULL, item_key TEXT, body TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX dead_letters_stream ON dead_letters (tenant, stream, id);
  `,
  `
  -- the arrival log in blocks, see model/arrival-block.ts; a block grows until it fills half a page
  CREATE TABLE arrivals (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, stream TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,
    items INTEGER NOT NULL, body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX arrivals_stream ON arrivals (tenant, stream, id);
  CREATE TABLE stream_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL,
    before TEXT, after TEXT NOT NULL, predicted TEXT, actual TEXT
  ) STRICT;
  CREATE INDEX stream_rules_stream ON stream_rules (tenant, stream, id);
  CREATE INDEX stream_rules_unsettled ON stream_rules (id) WHERE before IS NOT NULL AND (predicted IS NULL OR actual IS NULL);
  -- why it closed, beside when: what was recorded is compared with what a preview replays
  ALTER TABLE windows ADD COLUMN close_reason TEXT;
  UPDATE windows SET close_reason = (SELECT close_reason FROM batches WHERE batches.id = windows.id) WHERE state = 'closed';
  `,
  `
  -- dismissed: when someone took the failure off the list of what is dead; error_groups counts them
  ALTER TABLE failures ADD COLUMN dismissed INTEGER;
  ALTER TABLE error_groups ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0 CHECK (dismissed >= 0);
  CREATE TABLE dead_letter_counts (
    tenant TEXT, stream TEXT, reason TEXT, letters INTEGER NOT NULL CHECK (letters >= 0), PRIMARY KEY (tenant, stream, reason)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO dead_letter_counts (tenant, stream, reason, letters) SELECT tenant, stream, reason, COUNT(*) FROM dead_letters GROUP BY tenant, stream, reason;
  CREATE INDEX dead_letters_reason ON dead_letters (tenant, stream, reason, id);
  -- letters leave by many doors: requeued, discarded, with their stream
  CREATE TRIGGER dead_letter_came AFTER INSERT ON dead_letters BEGIN
    INSERT INTO dead_letter_counts (tenant, stream, reason, letters) VALUES (new.tenant, new.stream, new.reason, 1)
    ON CONFLICT (tenant, stream, reason) DO UPDATE SET letters = letters + 1;
  END;
  CREATE TRIGGER dead_letter_left AFTER DELETE ON dead_letters BEGIN
    UPDATE dead_letter_counts SET letters = letters - 1 WHERE tenant = old.tenant AND stream = old.stream AND reason = old.reason;
  END;
  CREATE TABLE requeues (
    tenant TEXT, stream TEXT, selection TEXT NOT NULL, rest INTEGER NOT NULL CHECK (rest > 0), rate INTEGER NOT NULL, after INTEGER NOT NULL, PRIMARY KEY (tenant, stream)
  ) STRICT, WITHOUT ROWID;
  `,
  {
    fill: fillRollups,
    sql: `
  ALTER TABLE batches ADD COLUMN standard INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE batches ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;
  -- What batches add up to, by the time they were created in buckets of width ms: sums/job-rollup.ts. kept = 1: batches that retention removed.
  CREATE TABLE job_rollups (
    tenant TEXT, width INTEGER, bucket INTEGER, operation TEXT, status TEXT, kept INTEGER,
    jobs INTEGER NOT NULL, items INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL, expired INTEGER NOT NULL,
    retried INTEGER NOT NULL, cost INTEGER NOT NULL, standard INTEGER NOT NULL, saved INTEGER NOT NULL, timed INTEGER NOT NULL, run_ms INTEGER NOT NULL, wait_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, width, bucket, operation, status, kept)
  ) STRICT, WITHOUT ROWID;
  -- The bins of the sketches over their times, one row a bin: sketches merge by adding rows.
  CREATE TABLE job_bins (
    tenant TEXT, width INTEGER, bucket INTEGER, operation TEXT, status TEXT, kept INTEGER, metric TEXT, bin INTEGER, jobs INTEGER NOT NULL,
    PRIMARY KEY (tenant, width, bucket, operation, status, kept, metric, bin)
  ) STRICT, WITHOUT ROWID;
  -- What happened, by the time it happened, and the bins of what was measured: flow-rollup.ts
  CREATE TABLE flow (
    tenant TEXT, width INTEGER, bucket INTEGER, source TEXT, metric TEXT, value INTEGER NOT NULL, PRIMARY KEY (tenant, width, bucket, source, metric)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE flow_bins (
    tenant TEXT, width INTEGER, bucket INTEGER, source TEXT, metric TEXT, bin INTEGER, value INTEGER NOT NULL, PRIMARY KEY (tenant, width, bucket, source, metric, bin)
  ) STRICT, WITHOUT ROWID;
  `,
  },
  `
  CREATE TABLE ledger_attempts (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, attempt TEXT NOT NULL, batch_id TEXT NOT NULL, UNIQUE (tenant, attempt)
  ) STRICT;
  CREATE INDEX ledger_attempts_batch ON ledger_attempts (batch_id);
  -- what lines share, with their sums; day: days since 1970 UTC; closed: its lines went with their batch
  CREATE TABLE ledger_groups (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, batch_id TEXT NOT NULL, day INTEGER NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL,
    model TEXT NOT NULL, tier TEXT NOT NULL CHECK (tier IN ('batch', 'online')), factor TEXT NOT NULL, price_version TEXT NOT NULL,
    closed INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL, unpriced INTEGER NOT NULL, uncounted INTEGER NOT NULL CHECK (uncounted >= 0),
    input INTEGER NOT NULL, cached INTEGER NOT NULL, cache_write INTEGER NOT NULL, audio_input INTEGER NOT NULL,
    output INTEGER NOT NULL, reasoning INTEGER NOT NULL, audio_output INTEGER NOT NULL,
    standard INTEGER NOT NULL, paid INTEGER NOT NULL, paid_uncounted INTEGER NOT NULL,
    UNIQUE (batch_id, day, operation, provider, model, tier, factor, price_version, tenant)
  ) STRICT;
  CREATE INDEX ledger_groups_day ON ledger_groups (tenant, day);
  -- the primary key is what books each request once; standard and paid in nano-dollars, null = no price
  CREATE TABLE ledger_lines (
    attempt_id INTEGER, custom_id TEXT, group_id INTEGER NOT NULL, counted INTEGER NOT NULL, at INTEGER NOT NULL,
    input INTEGER NOT NULL, cached INTEGER NOT NULL, cache_write INTEGER NOT NULL, audio_input INTEGER NOT NULL,
    output INTEGER NOT NULL, reasoning INTEGER NOT NULL, audio_output INTEGER NOT NULL, standard INTEGER, paid INTEGER,
    PRIMARY KEY (attempt_id, custom_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_days (
    tenant TEXT, day INTEGER, operation TEXT, provider TEXT, model TEXT, tier TEXT,
    requests INTEGER NOT NULL, unpriced INTEGER NOT NULL, uncounted INTEGER NOT NULL CHECK (uncounted >= 0),
    input INTEGER NOT NULL, cached INTEGER NOT NULL, cache_write INTEGER NOT NULL, audio_input INTEGER NOT NULL,
    output INTEGER NOT NULL, reasoning INTEGER NOT NULL, audio_output INTEGER NOT NULL,
    standard INTEGER NOT NULL, paid INTEGER NOT NULL, paid_uncounted INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, operation, provider, model, tier)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE openai_batches (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN (${inList(OPENAI_STATES)})),
    endpoint TEXT NOT NULL, input_file_id TEXT NOT NULL, metadata TEXT, output_expires_after INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    -- the internal batch, promised before it exists: a start after a crash finds what was made under it
    batch_id TEXT NOT NULL UNIQUE,
    model TEXT, errors TEXT, usage TEXT,
    total INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
    output_file_id TEXT, error_file_id TEXT,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, in_progress_at INTEGER, finalizing_at INTEGER, completed_at INTEGER,
    failed_at INTEGER, expired_at INTEGER, cancelling_at INTEGER, cancelled_at INTEGER,
    CHECK ((completed_at IS NOT NULL) = (status = 'completed')),
    CHECK ((failed_at IS NOT NULL) = (status = 'failed')),
    CHECK ((expired_at IS NOT NULL) = (status = 'expired')),
    CHECK ((cancelled_at IS NOT NULL) = (status = 'cancelled')),
    CHECK (completed + failed <= total)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX openai_batches_newest ON openai_batches (tenant, created_at DESC, id DESC);
  CREATE INDEX openai_batches_repeated ON openai_batches (tenant, fingerprint, created_at);
  CREATE INDEX openai_batches_open ON openai_batches (created_at, id) WHERE status IN (${OPEN_OPENAI});
  -- where a removed file stood in lists: who pages through them and removes what they show goes on from there
  CREATE TABLE removed_files (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, created_at INTEGER NOT NULL, removed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX removed_files_age ON removed_files (removed_at);
  `,
  `
  CREATE TABLE attempts (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, batch_id TEXT NOT NULL, operation TEXT NOT NULL, chunk_id INTEGER, epoch INTEGER NOT NULL,
    provider TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN (${inList(ATTEMPT_STATES)})),
    lines INTEGER NOT NULL, tokens INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    input_file_id TEXT, upstream_id TEXT, upstream_status TEXT, output_file_id TEXT, error_file_id TEXT,
    created_at INTEGER NOT NULL, uploaded_at INTEGER, sent_at INTEGER, ended_at INTEGER, collected_at INTEGER, timeout_at INTEGER NOT NULL,
    due_at INTEGER, misses INTEGER NOT NULL DEFAULT 0, polls INTEGER NOT NULL DEFAULT 0, cancel_sent INTEGER NOT NULL DEFAULT 0,
    error_code TEXT, error TEXT, report TEXT, owner TEXT, lease_until INTEGER,
    CHECK ((due_at IS NULL) = (state = 'ingested')),
    -- a batch is asked for only with a file, and after this was written down
    CHECK (state NOT IN ('uploaded', 'create_sent') OR input_file_id IS NOT NULL),
    CHECK (state <> 'create_sent' OR sent_at IS NOT NULL),
    CHECK (state NOT IN ('validating', 'in_progress', 'finalizing', 'cancelling', 'completed', 'expired', 'vanished') OR upstream_id IS NOT NULL)
  ) STRICT, WITHOUT ROWID;
  -- one open attempt a chunk and run, and one row an upstream batch, whoever writes
  CREATE UNIQUE INDEX attempts_open ON attempts (chunk_id, epoch) WHERE state <> 'ingested' AND chunk_id IS NOT NULL;
  CREATE UNIQUE INDEX attempts_upstream ON attempts (provider, upstream_id) WHERE upstream_id IS NOT NULL;
  CREATE INDEX attempts_due ON attempts (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX attempts_batch ON attempts (batch_id, created_at, id);
  `,
  `
  CREATE TABLE requests (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, job_type TEXT NOT NULL, model TEXT NOT NULL, custom_id TEXT, fingerprint TEXT NOT NULL,
    webhook TEXT,
    -- the window, and so the batch it becomes
    batch_id TEXT NOT NULL, created_at INTEGER NOT NULL,
    outcome TEXT CHECK (outcome IN (${inList(REQUEST_OUTCOMES)})), ended_at INTEGER,
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX requests_custom ON requests (tenant, job_type, custom_id) WHERE outcome IS NULL AND custom_id IS NOT NULL;
  CREATE INDEX requests_newest ON requests (tenant, created_at DESC, id DESC);
  CREATE INDEX requests_of_type ON requests (tenant, job_type, created_at DESC, id DESC);
  CREATE INDEX requests_batch ON requests (batch_id);
  CREATE INDEX requests_open ON requests (tenant, batch_id) WHERE outcome IS NULL;
  CREATE INDEX requests_ended ON requests (ended_at) WHERE ended_at IS NOT NULL;
  -- its batch was paused because its stream holds batches, not by somebody who wanted that one paused
  ALTER TABLE windows ADD COLUMN batch_held INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX windows_batch_held ON windows (tenant, stream) WHERE batch_held = 1;
  `,
  "CREATE INDEX events_critical ON events (tenant, seq) WHERE severity = 'critical';",
  `
  CREATE TABLE alert_rules (tenant TEXT, name TEXT, body TEXT NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (tenant, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE alert_preferences (tenant TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE alert_channels (tenant TEXT, name TEXT, body TEXT NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (tenant, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE alert_silences (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, rule TEXT, instance TEXT, from_at INTEGER NOT NULL, until_at INTEGER NOT NULL, by TEXT NOT NULL, comment TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alert_silences_end ON alert_silences (tenant, until_at);
  -- one row an alert that is not calm; body: model/alert.ts
  CREATE TABLE alert_states (
    tenant TEXT, rule TEXT, instance TEXT, episode TEXT, body TEXT NOT NULL, PRIMARY KEY (tenant, rule, instance)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE alert_episodes (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, rule TEXT NOT NULL, instance TEXT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
    opened_at INTEGER NOT NULL, resolved_at INTEGER, threshold REAL NOT NULL, value REAL NOT NULL, worst REAL NOT NULL, message TEXT NOT NULL,
    -- JSON list; null = nobody was told
    channels TEXT, acked_at INTEGER, acked_by TEXT, note TEXT,
    CHECK ((acked_at IS NULL) = (acked_by IS NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alert_episodes_newest ON alert_episodes (tenant, opened_at DESC, id DESC);
  -- one open episode an alert, whoever writes
  CREATE UNIQUE INDEX alert_episodes_open ON alert_episodes (tenant, rule, instance) WHERE resolved_at IS NULL;
  CREATE TABLE alert_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, channel TEXT NOT NULL, dedupe_key TEXT NOT NULL UNIQUE, frequency TEXT NOT NULL,
    due_at INTEGER NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX alert_lines_due ON alert_lines (tenant, due_at);
  CREATE TABLE alert_sent (tenant TEXT, window_at INTEGER, channel TEXT, messages INTEGER NOT NULL, PRIMARY KEY (tenant, window_at, channel)) STRICT, WITHOUT ROWID;
  -- what was measured, a row where it changed; shape: store/alerts.ts
  CREATE TABLE alert_samples (
    tenant TEXT, metric TEXT, instance TEXT, at INTEGER, shape TEXT NOT NULL, number REAL NOT NULL, PRIMARY KEY (tenant, metric, instance, at)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE alert_spans (tenant TEXT, from_at INTEGER, to_at INTEGER NOT NULL, PRIMARY KEY (tenant, from_at)) STRICT, WITHOUT ROWID;
  -- kinds of errors, when each was first seen
  CREATE TABLE alert_error_classes (tenant TEXT, operation TEXT, fingerprint TEXT, first_seen INTEGER NOT NULL, PRIMARY KEY (tenant, operation, fingerprint)) STRICT, WITHOUT ROWID;
  CREATE INDEX alert_error_classes_new ON alert_error_classes (tenant, first_seen);
  CREATE INDEX batches_longest ON batches (tenant, operation, started_at) WHERE status = 'running';
  CREATE INDEX outbox_undelivered ON outbox (tenant, channel) WHERE delivered_at IS NULL AND tries > 0;
  `,
  `
  CREATE TABLE bulk_jobs (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, action TEXT NOT NULL CHECK (action IN (${inList(BULK_ACTIONS)})), priority INTEGER,
    -- shape: store/bulk.ts
    filter TEXT NOT NULL, rate REAL NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL, skipped INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN (${inList(BULK_STATUSES)})), created_at INTEGER NOT NULL, ended_at INTEGER,
    after_at INTEGER, after_id TEXT, error TEXT, actor TEXT NOT NULL, credential TEXT, address TEXT,
    CHECK ((ended_at IS NULL) = (status = 'running')),
    CHECK ((action = 'priority') = (priority IS NOT NULL)),
    CHECK (done + failed + skipped <= total)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX bulk_jobs_newest ON bulk_jobs (tenant, created_at DESC, id DESC);
  CREATE INDEX bulk_jobs_running ON bulk_jobs (created_at, id) WHERE ended_at IS NULL;
  `,
  `
  -- tenant '' = a channel of all tenants
  CREATE TABLE channels_off (
    tenant TEXT, name TEXT, target TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- traceparents with blanks between: of a batch its own span and the parent of it, of a window and a /v1 batch the requests that brought it
  ALTER TABLE batches ADD COLUMN trace TEXT;
  ALTER TABLE windows ADD COLUMN traces TEXT;
  ALTER TABLE openai_batches ADD COLUMN traceparent TEXT;
  `,
  `
  -- what job_rollups, job_bins, flow and flow_bins are behind by: sums.ts
  CREATE TABLE sums_behind (batch_id TEXT PRIMARY KEY, counted TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE sums_log (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  INSERT INTO meta (name, value) SELECT 'sums_segment', CAST(COALESCE(MAX(id), 0) AS TEXT) FROM segments;
  `,
  `
  -- what is known of batches that were removed, the newest of them; policy: in words
  CREATE TABLE removed_batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, operation TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, completed_at INTEGER NOT NULL, removed_at INTEGER NOT NULL, policy TEXT NOT NULL
  ) STRICT;
  -- batches that are gone, and whose rows are still being erased
  CREATE TABLE erasures (batch_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE INDEX batches_removable ON batches (tenant, status, completed_at) WHERE completed_at IS NOT NULL;
  CREATE INDEX batches_dependent ON batches (tenant) WHERE completed_at IS NULL AND depends_on <> '[]';
  `,
  // The newest message of a channel says whether it works.
  "CREATE INDEX outbox_channel ON outbox (tenant, channel, id) WHERE tries > 0;",
  `
  -- failures as they happened, by hour and kind: store/failures.ts; stream: "" = of no stream; the newest gives text and example
  CREATE TABLE failure_hours (
    tenant TEXT, hour INTEGER, fingerprint TEXT, operation TEXT, stream TEXT, failures INTEGER NOT NULL,
    error TEXT NOT NULL, code TEXT NOT NULL, category TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, batch_id TEXT NOT NULL, node_id TEXT NOT NULL,
    PRIMARY KEY (tenant, hour, fingerprint, operation, stream)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO failure_hours
    SELECT b.tenant, f.created_at - f.created_at % 3600000, f.fingerprint, b.operation, COALESCE(b.stream, ''), COUNT(*),
      g.error, g.code, g.category, MIN(f.created_at), MAX(f.created_at), f.batch_id, f.node_id
    FROM failures f JOIN batches b ON b.id = f.batch_id JOIN error_groups g ON g.batch_id = f.batch_id AND g.fingerprint = f.fingerprint GROUP BY 1, 2, 3, 4, 5;
  CREATE INDEX failure_hours_age ON failure_hours (hour);
  `,
  "ALTER TABLE bulk_jobs ADD COLUMN starts_at INTEGER NOT NULL DEFAULT 0;",
  `
  -- what lists are narrowed by
  CREATE INDEX batches_stream ON batches (tenant, stream, created_at DESC, id DESC) WHERE sealed = 1 AND stream IS NOT NULL;
  CREATE INDEX batches_key ON batches (tenant, stream_key, created_at DESC, id DESC) WHERE sealed = 1 AND stream_key IS NOT NULL;
  CREATE INDEX batches_reason ON batches (tenant, close_reason, created_at DESC, id DESC) WHERE sealed = 1 AND close_reason IS NOT NULL;
  CREATE INDEX error_groups_code ON error_groups (code, batch_id) WHERE failures > 0;
  CREATE INDEX chunks_worker ON chunks (worker_id, batch_id) WHERE state = 'leased';
  `,
  // The key of a shared link knows one batch.
  "ALTER TABLE api_keys ADD COLUMN batch_id TEXT;",
  `
  -- kinds of errors nobody wants to hear of: store/failures.ts
  CREATE TABLE failure_mutes (
    tenant TEXT, fingerprint TEXT, error TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL,
    until INTEGER, until_change INTEGER NOT NULL CHECK (until_change IN (0, 1)), PRIMARY KEY (tenant, fingerprint)
  ) STRICT, WITHOUT ROWID;
  `,
  "ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;",
  `
  -- the batch whose items it got
  ALTER TABLE batches ADD COLUMN replay_of TEXT;
  CREATE INDEX batches_replays ON batches (tenant, replay_of, created_at DESC, id DESC) WHERE sealed = 1 AND replay_of IS NOT NULL;
  `,
  `
  -- dedupe_key of the message that goes first
  ALTER TABLE outbox ADD COLUMN follows TEXT;
  CREATE INDEX outbox_settled ON outbox (created_at) WHERE next_at IS NULL;
  `,
  `
  -- what lists are sorted by: sorted-batches.ts; by when it ended: batches_removable
  CREATE INDEX batches_items ON batches (tenant, status, total_items) WHERE sealed = 1;
  CREATE INDEX batches_failed ON batches (tenant, status, failed) WHERE sealed = 1;
  CREATE INDEX batches_duration ON batches (tenant, status, MAX(completed_at - started_at, 0)) WHERE completed_at IS NOT NULL AND started_at IS NOT NULL;
  CREATE INDEX batches_unstarted ON batches (tenant, status, created_at DESC, id DESC) WHERE completed_at IS NOT NULL AND started_at IS NULL;
  -- options.budgetUsd in nano-dollars; null = no limit
  ALTER TABLE batches ADD COLUMN budget INTEGER;
  UPDATE batches SET budget = CAST(ROUND(json_extract(options, '$.budgetUsd') * 1000000000) AS INTEGER) WHERE options LIKE '%"budgetUsd":%';
  CREATE INDEX batches_budget ON batches (tenant, created_at DESC, id DESC) WHERE budget IS NOT NULL AND completed_at IS NULL AND sealed = 1;
  `,
  {
    fill: fillAnalyses,
    sql: `
  -- what the analyses of monitoring read, by the time batches were created, of batches that are still there: analysis-rollup.ts
  CREATE TABLE job_sizes (
    tenant TEXT, width INTEGER, bucket INTEGER, operation TEXT, step INTEGER,
    ${SIZE_SUMS.map((sum) => `${sum} INTEGER NOT NULL`).join(", ")}, PRIMARY KEY (tenant, width, bucket, operation, step)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE job_errors (
    tenant TEXT, width INTEGER, bucket INTEGER, operation TEXT, code TEXT, failures INTEGER NOT NULL, jobs INTEGER NOT NULL,
    PRIMARY KEY (tenant, width, bucket, operation, code)
  ) STRICT, WITHOUT ROWID;
  -- failures that stood when it was counted: JSON list of [code, failures]
  ALTER TABLE sums_behind ADD COLUMN errors TEXT;
  CREATE INDEX batches_slowest ON batches (tenant, operation, created_at - created_at % 86400000, completed_at - started_at DESC, id DESC, created_at)
    WHERE sealed = 1 AND started_at IS NOT NULL AND completed_at IS NOT NULL;
  -- of its batch, which never changes them: the newest batches of a code are found without looking at others
  ALTER TABLE error_groups ADD COLUMN tenant TEXT;
  ALTER TABLE error_groups ADD COLUMN operation TEXT;
  ALTER TABLE error_groups ADD COLUMN created_at INTEGER;
  UPDATE error_groups SET (tenant, operation, created_at) = (SELECT tenant, operation, created_at FROM batches WHERE id = batch_id);
  CREATE INDEX error_groups_newest ON error_groups (tenant, code, created_at DESC, batch_id DESC, operation) WHERE failures > 0;
  DROP INDEX error_groups_code;
  `,
  },
  `
  -- lists by tag, and by name along the names
  CREATE TABLE batch_tags (tenant TEXT, tag TEXT, created_at INTEGER, batch_id TEXT, PRIMARY KEY (tenant, tag, created_at DESC, batch_id DESC)) STRICT, WITHOUT ROWID;
  INSERT INTO batch_tags SELECT DISTINCT tenant, value, created_at, batches.id FROM batches, json_each(batches.tags) WHERE sealed = 1;
  CREATE INDEX batches_named ON batches (tenant, created_at DESC, id DESC, name) WHERE sealed = 1 AND name IS NOT NULL;
  `,
  // What is left to do to batches with very many items: act-row.ts
  "CREATE TABLE batch_acts (batch_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;",
  `
  -- what was looked for among all rows there are
  CREATE INDEX batch_deps_batch ON batch_deps (batch_id);
  CREATE INDEX batches_open_input ON batches (tenant, json_extract(input, '$.file_id')) WHERE completed_at IS NULL AND input IS NOT NULL;
  CREATE INDEX attempts_over_limit ON attempts (provider, model, ended_at) WHERE error_code = 'token_limit_exceeded' AND sent_at IS NOT NULL AND error IS NOT NULL;
  CREATE INDEX openai_batches_final ON openai_batches (created_at) WHERE status IN (${FINAL_OPENAI});
  `,
  `
  -- dead items: what was dismissed, and how old they are
  CREATE INDEX error_groups_dismissed ON error_groups (tenant, operation, code, dismissed) WHERE dismissed > 0;
  CREATE INDEX error_groups_oldest ON error_groups (tenant, operation, code, first_seen) WHERE failures > dismissed;
  CREATE INDEX error_groups_latest ON error_groups (tenant, operation, code, last_seen) WHERE failures > dismissed;
  `,
  "CREATE INDEX dead_letters_age ON dead_letters (at);",
  // Whatever acts there are; the one that knows them is store/bulk.ts.
  `
  CREATE TABLE bulk_jobs_2 (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, action TEXT NOT NULL, priority INTEGER, reason TEXT,
    filter TEXT NOT NULL, rate REAL NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL, skipped INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'cancelled')), created_at INTEGER NOT NULL, starts_at INTEGER NOT NULL, ended_at INTEGER,
    after_at INTEGER, after_id TEXT, error TEXT, actor TEXT NOT NULL, credential TEXT, address TEXT,
    CHECK ((ended_at IS NULL) = (status = 'running')),
    CHECK ((action = 'priority') = (priority IS NOT NULL)),
    CHECK (done + failed + skipped <= total)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bulk_jobs_2 SELECT id, tenant, action, priority, NULL, filter, rate, total, done, failed, skipped, status, created_at, starts_at, ended_at,
    after_at, after_id, error, actor, credential, address FROM bulk_jobs;
  DROP TABLE bulk_jobs;
  ALTER TABLE bulk_jobs_2 RENAME TO bulk_jobs;
  CREATE INDEX bulk_jobs_newest ON bulk_jobs (tenant, created_at DESC, id DESC);
  CREATE INDEX bulk_jobs_running ON bulk_jobs (created_at, id) WHERE ended_at IS NULL;
  -- with what lists are narrowed by
  DROP INDEX batches_newest;
  CREATE INDEX batches_newest ON batches (tenant, created_at DESC, id DESC, total_items) WHERE sealed = 1;
  `,
  `
  -- rules that somebody looked at before they change: streams/preview-guard.ts
  CREATE TABLE rule_previews (tenant TEXT, stream TEXT, rules TEXT, at INTEGER NOT NULL, PRIMARY KEY (tenant, stream, rules)) STRICT, WITHOUT ROWID;
  CREATE INDEX rule_previews_age ON rule_previews (at);
  `,
  // JSON list of the receivers who got it while others did not
  "ALTER TABLE outbox ADD COLUMN reached TEXT;",
];
