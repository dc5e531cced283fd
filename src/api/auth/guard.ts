import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../../batches/service.ts";
import type { Clock } from "../../model/clock.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { AccessStore, AuditEntry, AuditStore } from "../../store/port.ts";
import { FailureLimit } from "./failure-limit.ts";
import { KeyUse } from "./key-use.ts";
import { DEFAULT_TENANT } from "../../model/tenant.ts";
import { hashSecret, isUsable, sameHash, TOKEN_KEY_ID } from "./secrets.ts";

export const SESSION_COOKIE = "batchyard_session";

/** What a request shows of who sends it. */
export interface Presented {
  authorization: string | undefined;
  cookie: string | undefined;
  address: string;
}

/** A caller and how it was recognised: cookies need the proof of origin that a header does not. */
export interface Recognised {
  caller: Caller;
  by: "key" | "session";
}

/** Recognises callers by key or session, over every door. */
export class Guard {
  private readonly access: AccessStore;
  private readonly audit: AuditStore;
  private readonly clock: Clock;
  private readonly tokenHash: string | null;
  private readonly failures: FailureLimit;
  private readonly used: KeyUse;

  constructor(options: { access: AccessStore; audit: AuditStore; clock: Clock; token: string | null }) {
    this.access = options.access;
    this.audit = options.audit;
    this.clock = options.clock;
    this.tokenHash = options.token === null ? null : hashSecret(options.token);
    this.failures = new FailureLimit(options.clock);
    this.used = new KeyUse(options);
  }

  /** Throws unauthorized without a credential, invalid_key with one that does not hold, rate_limited after too many of those. */
  async recognise(presented: Presented): Promise<Recognised> {
    if (presented.authorization !== undefined) {
      const secret = /^Bearer +(\S+)$/i.exec(presented.authorization)?.[1];
      const caller = secret === undefined ? null : await this.byKey(secret, presented.address);
      if (caller === null) throw await this.refuse(presented.address);
      return { caller, by: "key" };
    }
    if (presented.cookie === undefined) throw new BatchyardError("unauthorized");
    const caller = await this.bySession(presented.cookie, presented.address);
    if (caller === null) throw new BatchyardError("unauthorized");
    return { caller, by: "session" };
  }

  /** Whether what was presented once still holds: long-lived connections ask again and again. */
  async stillHolds(presented: Presented): Promise<boolean> {
    try {
      const secret = /^Bearer +(\S+)$/i.exec(presented.authorization ?? "")?.[1];
      const caller =
        secret !== undefined
          ? await this.byKey(secret, presented.address)
          : presented.cookie === undefined
            ? null
            : await this.bySession(presented.cookie, presented.address);
      return caller !== null;
    } catch {
      return false;
    }
  }

  async byKey(secret: string, address: string): Promise<Caller | null> {
    // The lookup is by hash, so its time says nothing about the secret; the token is compared in constant time.
    const hash = hashSecret(secret);
    if (this.tokenHash !== null && sameHash(hash, this.tokenHash)) {
      return { tenant: DEFAULT_TENANT, actor: "key:environment", role: "admin", credential: TOKEN_KEY_ID, address };
    }
    const key = await this.access.keyByHash(hash);
    if (key === null || !isUsable(key, this.clock.now())) return null;
    this.used.note(key.id);
    const caller = { tenant: key.tenant, actor: `key:${key.name}`, role: key.role, credential: key.id, address };
    return key.batchId === null ? caller : { ...caller, actor: `link:${key.id}`, onlyBatch: key.batchId };
  }

  /** Counts and records a credential that did not hold; the error to throw. */
  async refuse(address: string): Promise<BatchyardError> {
    const { waitSeconds, first } = this.failures.add(address);
    if (waitSeconds === null) await this.record(address, "FAILURE");
    else if (first) await this.record(address, "SUSPICIOUS");
    if (waitSeconds !== null) return new BatchyardError("rate_limited", { seconds: waitSeconds }, { retryAfterSeconds: waitSeconds });
    return new BatchyardError("invalid_key");
  }

  private record(address: string, outcome: AuditEntry["outcome"]): Promise<void> {
    return this.audit.append({
      tenant: DEFAULT_TENANT,
      at: this.clock.now(),
      actor: "anonymous",
      credential: null,
      address,
      action: "sign_in",
      target: "credential",
      before: null,
      after: null,
      outcome,
    });
  }

  private async bySession(cookie: string, address: string): Promise<Caller | null> {
    const session = await this.access.session(hashSecret(cookie), this.clock.now());
    if (session === null) return null;
    if (session.keyId !== TOKEN_KEY_ID) this.used.note(session.keyId);
    return { tenant: session.tenant, actor: `session:${session.keyId}`, role: session.role, credential: session.keyId, address };
  }
}

/** Throws cross_site_request unless the browser itself says that the request comes from our own pages. */
export function requireSameOrigin(headers: IncomingHttpHeaders): void {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") throw new BatchyardError("cross_site_request");
  const origin = headers.origin;
  if (origin === undefined ? site !== "same-origin" : !isOwnOrigin(origin, headers.host)) throw new BatchyardError("cross_site_request");
}

/** Whether a page of this origin came from the host that was asked. The scheme is the browser's: TLS may end in front of us. */
export function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const own = `${page.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === page.host && page.host !== "";
}
