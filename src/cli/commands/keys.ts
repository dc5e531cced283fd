import { Option, type Command } from "commander";
import type { Role } from "../../client/index.ts";
import { instant, jsonOption } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { table } from "../../terminal/figures.ts";
import { clean } from "../../terminal/terminal.ts";

interface Flags extends ConnectionFlags {
  json?: boolean;
}

export function addKeys(program: Command, context: Context): void {
  const keys = program
    .command("keys")
    .description("create, list and revoke API keys")
    .addHelpText("after", "\nExample:\n  $ batchyard keys create ci --role operator --expires 90d");
  const { terminal } = context;

  withConnection(
    keys.command("create").description("make a key; its secret is shown this once, on stdout").argument("<name>", "what the key is for"),
  )
    .addOption(new Option("--role <role>", "what it may do").choices(["viewer", "operator", "admin"]).default("operator"))
    .option("--expires <when>", "90d, 12h, or a time (default: never)", instant("future"))
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard keys create ci --role operator --expires 90d")
    .action(async (name: string, flags: Flags & { role: Role; expires?: string }) => {
      const made = await connect(flags).keys.create({
        name,
        role: flags.role,
        ...(flags.expires === undefined ? {} : { expiresAt: flags.expires }),
      });
      if (flags.json === true) return terminal.out(`${JSON.stringify({ ...made.key, secret: made.secret }, null, 2)}\n`);
      terminal.say(`Key ${made.key.id} for '${clean(made.key.name)}' (${made.key.role}); the secret is not shown again:`);
      return terminal.out(`${made.secret}\n`);
    });

  withConnection(keys.command("list").description("list keys, without their secrets"))
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard keys list")
    .action(async (flags: Flags) => {
      const list = await connect(flags).keys.list();
      if (flags.json === true) return terminal.out(`${JSON.stringify(list, null, 2)}\n`);
      const rows = list.map((key) => [
        key.id,
        clean(key.name),
        key.role,
        key.hint,
        key.createdAt,
        key.expiresAt ?? "never",
        key.lastUsedAt ?? "never",
        key.revokedAt ?? "",
      ]);
      return terminal.out(table([["ID", "NAME", "ROLE", "HINT", "CREATED", "EXPIRES", "USED", "REVOKED"], ...rows]));
    });

  withConnection(keys.command("revoke").description("end a key and its sessions, at once").argument("<id>", "id of the key"))
    .addHelpText("after", "\nExample:\n  $ batchyard keys revoke key_0123456789abcdefghijklmn")
    .action(async (id: string, flags: Flags) => {
      await connect(flags).keys.revoke(id);
      terminal.say(`Revoked ${id}`);
    });
}
