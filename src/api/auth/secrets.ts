import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { newId } from "../../model/ids.ts";
import type { AccessStore, ApiKeyRow, Role } from "../../store/port.ts";

/** The key id of BATCHYARD_TOKEN, which has no row. */
export const TOKEN_KEY_ID = "key_from_environment";

const SIGN_IN_MS = 15 * 60_000;
const SESSION_MS = 12 * 3_600_000;

export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** In constant time for texts of the same length; hashes always are. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A new API key; the secret (`by_` and 43 characters, 256 bits) is in this answer only. */
export async function issueKey(
  access: AccessStore,
  wanted: { tenant: string; name: string; role: Role; expiresAt?: number | null; batchId?: string },
  now: number,
): Promise<{ key: ApiKeyRow; secret: string }> {
  const secret = `by_${randomBytes(32).toString("base64url")}`;
  const key: ApiKeyRow = {
    id: newId("key"),
    tenant: wanted.tenant,
    name: wanted.name,
    role: wanted.role,
    hash: hashSecret(secret),
    hint: `${secret.slice(0, 7)}…`,
    createdAt: now,
    expiresAt: wanted.expiresAt ?? null,
    revokedAt: null,
    lastUsedAt: null,
    batchId: wanted.batchId ?? null,
  };
  await access.insertKey(key);
  return { key, secret };
}

/** A one-time sign-in link good for 15 minutes: `/signin?token=…`. */
export async function issueSignIn(
  access: AccessStore,
  who: { tenant: string; keyId: string; role: Role },
  now: number,
): Promise<{ path: string; expiresAt: number }> {
  const token = randomBytes(32).toString("base64url");
  const expiresAt = now + SIGN_IN_MS;
  await access.insertSignIn({ hash: hashSecret(token), keyId: who.keyId, tenant: who.tenant, role: who.role, expiresAt });
  return { path: `/signin?token=${token}`, expiresAt };
}

/** A session of 12 hours, or less when its key ends before. The value goes into the cookie, its hash into the store. */
export async function openSession(
  access: AccessStore,
  who: { tenant: string; keyId: string; role: Role },
  now: number,
): Promise<{ value: string; maxAgeSeconds: number } | null> {
  const key = who.keyId === TOKEN_KEY_ID ? null : (await access.keys(who.tenant)).find((row) => row.id === who.keyId);
  if (key === undefined || (key !== null && !isUsable(key, now))) return null;
  const expiresAt = Math.min(now + SESSION_MS, key?.expiresAt ?? Infinity);
  const value = randomBytes(32).toString("base64url");
  await access.insertSession({ hash: hashSecret(value), tenant: who.tenant, keyId: who.keyId, role: who.role, createdAt: now, expiresAt });
  return { value, maxAgeSeconds: Math.floor((expiresAt - now) / 1000) };
}

export function isUsable(key: ApiKeyRow, now: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
}
