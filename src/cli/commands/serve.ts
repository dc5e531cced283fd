import type { Command } from "commander";
import { configFromProcess, type Flags as ConfigFlags } from "../../config.ts";
import { wholeNumber } from "../arguments.ts";
import { loadProjectConfig } from "../config-file.ts";
import type { Context } from "../context.ts";
import type { RunningServer } from "../../server.ts";
import { CommandError } from "../exit.ts";
import { stopSignal, aborted } from "../stopping.ts";

export interface ServeFlags {
  port?: number;
  host?: string;
  data?: string;
  workers?: number;
  config?: string;
}

/** The options of a command that starts a server. */
export function withServeOptions(command: Command): Command {
  return command
    .option("--port <n>", "port to listen on, 0 = any free one (default: BATCHYARD_PORT, else 8377)", wholeNumber(0, 65_535))
    .option("--host <address>", "address to listen on (default: BATCHYARD_HOST, else 127.0.0.1)")
    .option("--data <dir>", "data directory (default: BATCHYARD_DATA, else ./data)")
    .option("--workers <n>", "chunks run at once in this process, 0 = none", wholeNumber(0, 256))
    .option("--config <file>", "config with your own operations (default: batchyard.config.ts, if there is one)");
}

export function addServe(program: Command, context: Context): void {
  withServeOptions(program.command("serve").description("start the server and keep serving until SIGTERM or Ctrl-C"))
    .addHelpText(
      "after",
      "\nPrints 'ready http://HOST:PORT' on stderr when it listens.\n\nExample:\n  $ batchyard serve --port 8377 --data ./data",
    )
    .action(async (flags: ServeFlags) => {
      const stop = stopSignal(context.terminal, "stopping …");
      const server = await openServer(context, flags);
      try {
        if (!stop.signal.aborted) await announce(context, server);
        await aborted(stop.signal);
      } finally {
        await server.stop();
        stop.forget();
      }
    });
}

/** Starts the server that the flags describe; `quiet` keeps its log to warnings unless LOG_LEVEL says otherwise. */
export async function openServer({ terminal }: Context, flags: ServeFlags, quiet = false): Promise<RunningServer> {
  const overrides: ConfigFlags = {
    BATCHYARD_PORT: flags.port?.toString(),
    BATCHYARD_HOST: flags.host,
    BATCHYARD_DATA: flags.data,
    BATCHYARD_WORKERS: flags.workers?.toString(),
  };
  const asked = configFromProcess(overrides);
  const config = quiet && asked.origins.LOG_LEVEL === "default" ? configFromProcess({ ...overrides, LOG_LEVEL: "warn" }) : asked;
  for (const warning of config.warnings) terminal.say(terminal.errPaint("yellow", `warning: ${warning}`));
  const project = await loadProjectConfig(flags.config);
  const { startServer } = await import("../../server.ts");
  try {
    return await startServer({
      config,
      operations: project.operations,
      channels: project.channels,
      providers: project.providers,
      webhooks: project.webhooks,
      streams: { tenant: "default", definitions: project.streams ?? {} },
    });
  } catch (error) {
    throw listenError(error, config.host, config.port);
  }
}

function listenError(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "EADDRINUSE")
    return new CommandError(`${host}:${port} is in use by another program; stop it or choose another port with --port`);
  if (code === "EACCES") return new CommandError(`This user may not listen on port ${port}; choose one from 1024 on with --port`);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new CommandError(`This machine has no address ${host}; choose another with --host`);
  return error;
}

/** The sign-in link first, then the one line that scripts wait for. */
export async function announce({ terminal }: Context, server: RunningServer): Promise<void> {
  terminal.say(`Sign in (once, within 15 minutes): ${await server.signInLink()}`);
  terminal.say(`ready ${server.url}`);
}
