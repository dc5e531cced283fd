import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Agent } from "undici";
import { BatchyardError } from "../../model/errors.ts";

/** Names to addresses, all of them. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** Ports of web servers; a webhook on another one would be a way to talk to something else. */
const PORTS = new Set(["", "80", "443", "8080", "8443"]);
const CONNECT_MS = 10_000;

/** Where addresses of the public internet lie in IPv6: nothing else is routed there. */
const GLOBAL_IPV6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3];

/** Is this IP address outside of the public internet? Addresses that carry another one (mapped, compatible, 6to4, NAT64) are never public. */
function isPrivate(address: string): boolean {
  if (!ipaddr.isValid(address)) return true;
  const found = ipaddr.process(address);
  return found.range() !== "unicast" || (found instanceof ipaddr.IPv6 && !found.match(GLOBAL_IPV6));
}

/**
 * Where webhooks may go: public web servers, and the hosts that the operator names. A URL is checked as it is written, and when
 * it is called every address that its name resolves to; the connection is made to exactly those addresses, so that a name which
 * changes its mind in between changes nothing. Redirects are never followed, proxies of the environment never used.
 */
export class Targets {
  private readonly hosts: ReadonlySet<string>;
  private readonly resolve: Resolve;
  private readonly guarded: Agent;
  private readonly open = new Agent({ connect: { timeout: CONNECT_MS } });

  /** `hosts`: `host:port`, or `host:*`, of those in private networks that are allowed. */
  constructor(hosts: readonly string[], resolve: Resolve = resolveBySystem) {
    this.hosts = new Set(hosts);
    this.resolve = resolve;
    this.guarded = new Agent({ connect: { lookup: this.lookup, timeout: CONNECT_MS } });
  }

  /** Why this URL cannot be a target; null = as far as its text tells, it can. What its name resolves to is looked at when it is called. */
  refusal(text: string): string | null {
    if (!URL.canParse(text)) return "it is no URL";
    const url = new URL(text);
    if (url.protocol !== "http:" && url.protocol !== "https:") return "it must start with https:// or http://";
    if (url.username !== "" || url.password !== "") return "it must not carry a user or password";
    if (this.isNamed(url)) return null;
    if (!PORTS.has(url.port)) return `port ${url.port} is not one of 80, 443, 8080, 8443; BATCHYARD_WEBHOOK_HOSTS allows others`;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const isName = !ipaddr.isValid(host);
    const isInside = isName ? !host.includes(".") || /(^|\.)(localhost|local|internal)\.?$/.test(host) : isPrivate(host);
    return isInside ? INSIDE : null;
  }

  /** Throws address_not_allowed. */
  require(text: string): void {
    const reason = this.refusal(text);
    if (reason !== null) throw refused(text, reason);
  }

  /** And what its name says now; a name that says nothing yet may do so later. Throws address_not_allowed. */
  async check(text: string): Promise<void> {
    const reason = this.refusal(text) ?? (await this.refusalOfName(new URL(text)));
    if (reason !== null) throw refused(text, reason);
  }

  /** Connections to this URL go to public addresses only, whatever its name resolves to, unless the operator allows it as it is. */
  agentFor(text: string): Agent {
    return this.isNamed(new URL(text)) ? this.open : this.guarded;
  }

  async close(): Promise<void> {
    await Promise.all([this.open.destroy(), this.guarded.destroy()]);
  }

  private isNamed(url: URL): boolean {
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    return this.hosts.has(`${url.hostname}:${port}`) || this.hosts.has(`${url.hostname}:*`);
  }

  private async refusalOfName(url: URL): Promise<string | null> {
    if (this.isNamed(url) || ipaddr.isValid(url.hostname.replace(/^\[|\]$/g, ""))) return null;
    try {
      return (await this.resolve(url.hostname)).some(({ address }) => isPrivate(address)) ? INSIDE : null;
    } catch {
      return null;
    }
  }

  /** One private address among many is enough: the name is not to be trusted. */
  private readonly lookup: LookupFunction = (host, options, callback) => {
    this.resolve(host).then(
      (found) => {
        const inside = found.find(({ address }) => isPrivate(address));
        const [first] = found;
        if (inside !== undefined) callback(new Error(`blocked: ${host} resolves to ${inside.address}, in a private network`), []);
        else if (first === undefined) callback(new Error(`${host} has no address`), []);
        else if (options.all === true) callback(null, [...found]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    );
  };
}

const INSIDE = "it lies in a private network; BATCHYARD_WEBHOOK_HOSTS allows single hosts of it";

function refused(text: string, reason: string): BatchyardError {
  // Without what may be secret in it.
  const address = URL.canParse(text) ? new URL(text).host || new URL(text).protocol : "as given";
  return new BatchyardError("address_not_allowed", { address, reason });
}

function resolveBySystem(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });
}
