import type { Command } from "commander";
import { configFromProcess, type Config, type Flags as ConfigFlags } from "../../config.ts";
import { wholeNumber } from "../arguments.ts";
import { loadProjectConfig } from "../config-file.ts";
import type { Context } from "../context.ts";
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

export function serveConfig(flags: ServeFlags): Config {
  const overrides: ConfigFlags = {
    BATCHYARD_PORT: flags.port?.toString(),
    BATCHYARD_HOST: flags.host,
    BATCHYARD_DATA: flags.data,
    BATCHYARD_WORKERS: flags.workers?.toString(),
  };
  return configFromProcess(overrides);
}

export async function openServer({ terminal }: Context, flags: ServeFlags) {
  const config = serveConfig(flags);
  for (const warning of config.warnings) terminal.say(terminal.errPaint("yellow", `warning: ${warning}`));
  const project = await loadProjectConfig(flags.config);
  const { startServer } = await import("../../main.ts");
  return startServer({ config, operations: project.operations, channels: project.channels });
}

/** The sign-in link first, then the one line that scripts wait for. */
export async function announce({ terminal }: Context, server: { url: string; signInLink(): Promise<string> }): Promise<void> {
  terminal.say(`Sign in (once, within 15 minutes): ${await server.signInLink()}`);
  terminal.say(`ready ${server.url}`);
}
