export type Role = "viewer" | "operator" | "admin";

export interface ApiKeyRow {
  id: string;
  tenant: string;
  name: string;
  role: Role;
  /** SHA-256 of the secret, hex; the secret itself is never stored. */
  hash: string;
  /** First characters of the secret, shown in lists. */
  hint: string;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  /** To the minute; null = it never was. */
  lastUsedAt: number | null;
  /** Set = the key of a shared link: it may see this batch and nothing else. */
  batchId: string | null;
}

export interface SessionRow {
  /** SHA-256 of the cookie value, hex. */
  hash: string;
  tenant: string;
  keyId: string;
  role: Role;
  createdAt: number;
  expiresAt: number;
}

export interface IdempotencyRow {
  tenant: string;
  key: string;
  /** Method, route and body, hashed. */
  requestHash: string;
  /** Null while the first request runs. */
  status: number | null;
  body: string | null;
  createdAt: number;
}

export interface AccessStore {
  insertKey(key: ApiKeyRow): Promise<void>;
  keyByHash(hash: string): Promise<ApiKeyRow | null>;
  keys(tenant: string): Promise<ApiKeyRow[]>;
  /** Was used at about this time; an earlier one than is known changes nothing. */
  keyUsed(id: string, at: number): Promise<void>;
  /** Also ends its sessions. */
  revokeKey(tenant: string, id: string, now: number): Promise<boolean>;
  insertSession(session: SessionRow): Promise<void>;
  session(hash: string, now: number): Promise<SessionRow | null>;
  deleteSession(hash: string): Promise<void>;
  /** One-time sign-in tokens. */
  insertSignIn(signIn: { hash: string; keyId: string; tenant: string; role: Role; expiresAt: number }): Promise<void>;
  /** Takes the token away; null when unknown, used or expired. */
  takeSignIn(hash: string, now: number): Promise<{ keyId: string; tenant: string; role: Role } | null>;
  /** Reserves an idempotency key; when it is taken, the row that holds it. */
  reserve(row: IdempotencyRow, expireBefore: number): Promise<IdempotencyRow | null>;
  settle(tenant: string, key: string, status: number, body: string): Promise<void>;
  unreserve(tenant: string, key: string): Promise<void>;
}
