import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { createClient, type Client, type Fetch } from "../client/index.ts";
import { configFromProcess, type Config } from "../config.ts";
import { usage } from "./exit.ts";
import { profileOf } from "./profiles.ts";

/** File in the data directory with an admin key for this machine's own commands; written by the server, mode 0600. */
const LOCAL_KEY_FILE = "admin.key";

export interface ConnectionFlags {
  url?: string;
  data?: string;
  profile?: string;
}

/** The options of every command that talks to a server. */
export function withConnection(command: Command): Command {
  return command
    .option("--url <url>", "the server (default: BATCHYARD_HOST and BATCHYARD_PORT, else http://127.0.0.1:8377)")
    .addOption(new Option("--profile <name>", "the server and key of that name in ~/.config/batchyard/profiles.json").conflicts("url"))
    .option("--data <dir>", "data directory of a server on this machine, for its key (default: BATCHYARD_DATA, else ./data)");
}

/**
 * A client of the server that is meant: of --profile, --url or the configured host and port. The credential is the profile's,
 * else BATCHYARD_TOKEN, else the local key of the data directory, which a server on this machine writes for its owner. That key is only ever sent to this
 * machine: for another host BATCHYARD_TOKEN has to be set.
 */
export function connect(flags: ConnectionFlags, fetch?: Fetch): Client {
  const config = configFromProcess({ BATCHYARD_DATA: flags.data });
  const url = addressOf(flags, config);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw usage(
      `${flags.profile === undefined ? "--url" : `'url' of profile ${flags.profile}`} takes a URL such as http://127.0.0.1:8377, not '${url}'`,
    );
  const named = flags.profile === undefined ? undefined : profileOf(flags.profile).token;
  const token = named ?? config.token ?? (isLocal(url) ? localKey(config) : null);
  return createClient({ url, token: token ?? undefined, fetch });
}

/** Where that server is, for people: the address of its pages. */
export function serverUrl(flags: ConnectionFlags): string {
  return addressOf(flags, configFromProcess({ BATCHYARD_DATA: flags.data }));
}

function addressOf(flags: ConnectionFlags, config: Config): string {
  if (flags.profile !== undefined) return profileOf(flags.profile).url;
  return flags.url ?? `http://${reachable(config.host)}:${config.port}`;
}

function localKey(config: Config): string | null {
  const path = join(config.data, LOCAL_KEY_FILE);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : null;
}

function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** A server that listens everywhere is reached on the loopback address. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
