import { join } from "node:path";
import { createClient, type Client } from "../../src/client/index.ts";
import { Child } from "./child.ts";

const ROOT = join(import.meta.dirname, "../..");
const CLI = join(ROOT, "src/cli/main.ts");
const FROM_SOURCE = "--conditions=batchyard-source";
const PROGRAMS = join(import.meta.dirname, "programs");
/** Operations that misbehave on purpose. */
const CONFIG = join(PROGRAMS, "misbehaving.config.ts");
export const TOKEN = "by_token_of_the_fault_tests";

/** The `batchyard` command in its own process. */
export function batchyard(args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  return new Child(process.execPath, [FROM_SOURCE, CLI, ...args], { BATCHYARD_TOKEN: TOKEN, ...env });
}

/** A program of these tests in its own process. */
export function program(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  return new Child(process.execPath, [FROM_SOURCE, join(PROGRAMS, file), ...args], { BATCHYARD_TOKEN: TOKEN, ...env });
}

export interface ServeOptions {
  env?: Readonly<Record<string, string>> | undefined;
  /** Command that runs the server: its arguments come after these. */
  under?: readonly string[] | undefined;
  /** Any free one when absent. */
  port?: number | undefined;
  /** In place of the misbehaving operations. */
  config?: string | undefined;
}

/** `batchyard serve` with the misbehaving operations, not yet listening. */
export function starting(data: string, options: ServeOptions = {}): Child {
  const env = { BATCHYARD_TOKEN: TOKEN, BATCHYARD_CREATE_PER_MINUTE: "1000000", LOG_LEVEL: "warn", ...options.env };
  const [command, ...before] = [...(options.under ?? []), process.execPath];
  return new Child(
    command,
    [...before, FROM_SOURCE, CLI, "serve", "--data", data, "--port", String(options.port ?? 0), "--config", options.config ?? CONFIG],
    env,
  );
}

export interface Served {
  readonly child: Child;
  readonly url: string;
  readonly client: Client;
  /** A request with the credential; the answer as it came. */
  send(path: string, init?: RequestInit & { duplex?: "half" }): Promise<Response>;
}

/** Waits for the line that says it listens. */
export async function ready(child: Child): Promise<Served> {
  const url = (await child.line(/^ready (http:\S+)$/))[1]!;
  return {
    child,
    url,
    client: createClient({ url, token: TOKEN }),
    send: (path, init = {}) =>
      fetch(url + path, {
        ...init,
        headers: { authorization: `Bearer ${TOKEN}`, ...(init.headers as Record<string, string> | undefined) },
      }),
  };
}

export function serve(data: string, options: ServeOptions = {}): Promise<Served> {
  return ready(starting(data, options));
}

/** Waits for the end of a batch. */
export async function finished(client: Client, id: string): Promise<void> {
  const watching = client.watch(id)[Symbol.asyncIterator]();
  while ((await watching.next()).done !== true);
}
