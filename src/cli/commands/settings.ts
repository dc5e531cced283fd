import { InvalidArgumentError, type Command } from "commander";
import type { Settings, SettingsPatch } from "../../client/index.ts";
import { jsonOption } from "../arguments.ts";
import { connect, withConnection, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { table } from "../../terminal/figures.ts";
import { clean } from "../../terminal/terminal.ts";
import { addPreview } from "./settings-preview.ts";

interface Flags extends ConnectionFlags {
  json?: boolean;
}

export function addSettings(program: Command, context: Context): void {
  const settings = program
    .command("settings")
    .description("see and change what can be changed while the server runs")
    .addHelpText("after", "\nExample:\n  $ batchyard settings set batch.window_seconds=120 batch.idle_timeout_seconds=45");
  const { terminal } = context;

  const show = async (whole: Settings, flags: Flags, only?: string): Promise<void> => {
    if (flags.json === true) return terminal.out(`${JSON.stringify(whole, null, 2)}\n`);
    const fixed = new Set(whole.overridden_by_env);
    const rows = Object.entries(whole).flatMap(([category, fields]) =>
      Array.isArray(fields)
        ? []
        : Object.entries(fields).map(([name, value]) => [
            `${category}.${name}`,
            clean(said(value)),
            fixed.has(`${category}.${name}`) ? "environment" : "",
          ]),
    );
    const shown = only === undefined ? rows : rows.filter(([path = ""]) => path === only || path.startsWith(`${only}.`));
    if (shown.length === 0) throw new InvalidArgumentError(`There is no setting '${only ?? ""}'; 'batchyard settings get' lists them`);
    return terminal.out(table([["SETTING", "VALUE", "SET BY"], ...shown]));
  };

  withConnection(
    settings.command("get").description("show the settings that are in force").argument("[path]", "a category, or category.setting"),
  )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard settings get batch")
    .action(async (path: string | undefined, flags: Flags) => show(await connect(flags).settings.get(), flags, path));

  withConnection(
    settings
      .command("set")
      .description("change settings, at once and over restarts")
      .argument("<path=value...>", "such as batch.window_seconds=120", assignment),
  )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ batchyard settings set fast_path.object_types=person,dog processing.enabled=false")
    .action(async (patch: SettingsPatch, flags: Flags) => show(await connect(flags).settings.change(patch), flags));

  addPreview(settings, context, assignment);
}

function said(value: Settings[string][string] | null): string {
  return Array.isArray(value) ? value.join(",") : value === null ? "" : String(value);
}

const LISTS = new Set(["fast_path.object_types"]);

function assignment(text: string, before: SettingsPatch = {}): SettingsPatch {
  const match = /^([a-z_]+)\.([a-z_]+)=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError("It must be category.setting=value, such as batch.window_seconds=120.");
  const [, category = "", name = "", value = ""] = match;
  return { ...before, [category]: { ...before[category], [name]: LISTS.has(`${category}.${name}`) ? value.split(",") : typed(value) } };
}

function typed(text: string): number | boolean | string {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
