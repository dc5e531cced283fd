import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "./program.ts";
import { createTerminal } from "../terminal/terminal.ts";

function commandsOf(command: Command): Command[] {
  return command.commands.flatMap((sub) => [sub, ...commandsOf(sub)]);
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
  });
  command.outputHelp();
  return text;
}

describe("the program", () => {
  const terminal = createTerminal(new PassThrough(), new PassThrough(), {
    color: false,
    forced: false,
    dumb: false,
    ci: false,
    columns: null,
    browser: null,
  });
  const context = { terminal, end: () => undefined };
  let commands: Command[] = [];
  beforeAll(async () => void (commands = commandsOf(await createProgram(context))));

  it("has the command that is asked for alone, under the name that stands in the list", async () => {
    const names = commands.filter(({ parent }) => parent?.name() === "batchyard").map((command) => command.name());
    for (const name of names) expect((await createProgram(context, name)).commands.map((command) => command.name())).toEqual([name]);
    const all = (await createProgram(context, "no-such-command")).commands;
    expect(all.map((command) => command.name())).toEqual(names);
    expect((await createProgram(context, "constructor")).commands).toHaveLength(names.length);
  });

  it("has an example and a description for every command", () => {
    expect(commands.length).toBeGreaterThan(14);
    const poor = commands.filter((command) => command.description() === "" || !/\nExample:\n {2}\$ batchyard /.test(helpOf(command)));
    expect(poor.map((command) => command.name())).toEqual([]);
  });

  it("describes every option and argument", () => {
    const bare = commands.flatMap((command) => [
      ...command.options.filter((option) => option.description === "").map((option) => `${command.name()} ${option.flags}`),
      ...command.registeredArguments
        .filter((argument) => argument.description === "")
        .map((argument) => `${command.name()} <${argument.name()}>`),
    ]);
    expect(bare).toEqual([]);
  });
});
