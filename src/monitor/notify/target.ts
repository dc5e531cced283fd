import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import { BlockList, isIP } from "node:net";
import { Agent } from "undici";

/** Ports of web servers; a webhook on another one would be a way to talk to something else. */
const PORTS = new Set(["", "80", "443", "8080", "8443"]);
/** Networks that are not the public internet. */
const PRIVATE: readonly (readonly [string, number, "ipv4" | "ipv6"])[] = [
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.0.0.0", 24, "ipv4"],
  ["192.0.2.0", 24, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["198.51.100.0", 24, "ipv4"],
  ["203.0.113.0", 24, "ipv4"],
  ["224.0.0.0", 4, "ipv4"],
  ["240.0.0.0", 4, "ipv4"],
  ["::", 128, "ipv6"],
  ["::1", 128, "ipv6"],
  ["64:ff9b::", 96, "ipv6"],
  ["64:ff9b:1::", 48, "ipv6"],
  ["2001::", 32, "ipv6"],
  ["2001:db8::", 32, "ipv6"],
  ["2002::", 16, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
];

const blocked = new BlockList();
for (const [network, bits, family] of PRIVATE) blocked.addSubnet(network, bits, family);

/** Is this IP address outside of the public internet? */
function isPrivate(address: string): boolean {
  const version = isIP(address);
  return version === 0 || blocked.check(address, version === 4 ? "ipv4" : "ipv6");
}

/** Where webhooks that come with a request may go: public web servers, and the hosts that the operator names. */
export class Targets {
  private readonly hosts: ReadonlySet<string>;
  private readonly agent = new Agent({ connect: { lookup: publicLookup } });

  /** `hosts`: `host:port` of those in private networks that are allowed. */
  constructor(hosts: readonly string[]) {
    this.hosts = new Set(hosts);
  }

  /** Why this URL cannot be a target; null = as far as its text tells, it can. What its name resolves to is looked at when it is called. */
  refusal(text: string): string | null {
    if (!URL.canParse(text)) return "it is no URL";
    const url = new URL(text);
    if (url.protocol !== "http:" && url.protocol !== "https:") return "it must start with https:// or http://";
    if (url.username !== "" || url.password !== "") return "it must not carry a user or password";
    if (this.isNamed(url)) return null;
    if (!PORTS.has(url.port)) return `port ${url.port} is not one of 80, 443, 8080, 8443`;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const isInside = isIP(host) === 0 ? !host.includes(".") || /(^|\.)(localhost|local|internal)\.?$/.test(host) : isPrivate(host);
    return isInside ? "it lies in a private network" : null;
  }

  /** Connections to this URL go to public addresses only, whatever its name resolves to; null = the operator allows it as it is. */
  agentFor(text: string): Agent | null {
    return this.isNamed(new URL(text)) ? null : this.agent;
  }

  private isNamed(url: URL): boolean {
    return this.hosts.has(`${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`);
  }
}

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** One private address among many is enough: the name is not to be trusted. */
function publicLookup(host: string, options: LookupOptions, found: Found): void {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const inside = error === null ? addresses.find(({ address }) => isPrivate(address)) : undefined;
    if (inside !== undefined) return found(new Error(`blocked: ${host} resolves to ${inside.address}, in a private network`), []);
    const [first] = addresses ?? [];
    if (error !== null || options.all === true || first === undefined) return found(error, addresses);
    return found(null, first.address, first.family);
  });
}
