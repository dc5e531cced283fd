import { QUALIFIERS } from "../client/index.ts";
import type { PaneId } from "./pane.ts";

export type CommandName =
  | "quit" | "help" | "filter" | "palette" | "down" | "up" | "page-down" | "page-up" | "first" | "last" | "next-pane" | "previous-pane"
  | "open" | "back" | "mark" | "freeze" | "sort" | "longer" | "shorter" | "retry" | "close" | "pause" | "ack" | "silence" | "browser" | "copy"
  | `go-${PaneId}`; // prettier-ignore

export interface Command {
  readonly name: CommandName;
  /** As the terminal names them; the first is shown. */
  readonly keys: readonly string[];
  readonly help: string;
  /** Shown in the last line of these panes: a word. */
  readonly short?: Readonly<Partial<Record<PaneId | "any", string>>>;
  /** Changes something on the server. */
  readonly changes?: true;
}

/** Every key there is. The last line, the help and the palette are made of it. */
export const COMMANDS: readonly Command[] = [
  { name: "open", keys: ["enter"], help: "show the chosen row whole", short: { any: "open" } },
  {
    name: "pause",
    keys: ["p"],
    help: "pause or resume a batch or stream; drain or resume a worker",
    short: { batches: "pause", streams: "pause", workers: "drain" },
    changes: true,
  },
  {
    name: "retry",
    keys: ["r"],
    help: "run failed items again: of a batch, or of an error code",
    short: { batches: "retry", failures: "retry" },
    changes: true,
  },
  {
    name: "close",
    keys: ["c"],
    help: "cancel a batch; close the windows of a stream now",
    short: { batches: "cancel", streams: "close now" },
    changes: true,
  },
  { name: "ack", keys: ["a"], help: "acknowledge an alert", short: { alerts: "ack" }, changes: true },
  { name: "silence", keys: ["S"], help: "silence an alert for an hour", short: { alerts: "silence" }, changes: true },
  { name: "mark", keys: ["space"], help: "mark a batch; p, r and c then mean all marked ones", short: { batches: "mark" } },
  {
    name: "filter",
    keys: ["/"],
    help: `narrow the list by words; batches by ${QUALIFIERS.join(" ")} too`,
    short: { any: "filter" },
  },
  { name: "sort", keys: ["s"], help: "the next order of the list", short: { any: "sort" } },
  { name: "freeze", keys: ["f"], help: "let the screen stand still, and go on", short: { any: "freeze" } },
  { name: "help", keys: ["?"], help: "every key", short: { any: "help" } },
  { name: "quit", keys: ["q", "ctrl-c"], help: "leave", short: { any: "quit" } },
  { name: "back", keys: ["esc"], help: "back: closes what is open, then drops marks and the filter" },
  { name: "palette", keys: [":"], help: "run a command by its name" },
  { name: "down", keys: ["j", "down"], help: "the next row" },
  { name: "up", keys: ["k", "up"], help: "the row before" },
  { name: "page-down", keys: ["pagedown", "ctrl-d"], help: "ten rows down" },
  { name: "page-up", keys: ["pageup", "ctrl-u"], help: "ten rows up" },
  { name: "first", keys: ["g", "home"], help: "the first row" },
  { name: "last", keys: ["G", "end"], help: "the last row" },
  { name: "next-pane", keys: ["tab", "l", "right"], help: "the next pane" },
  { name: "previous-pane", keys: ["shift-tab", "h", "left"], help: "the pane before" },
  { name: "longer", keys: ["+", "="], help: "latency by stage over a longer time" },
  { name: "shorter", keys: ["-"], help: "latency by stage over a shorter time" },
  { name: "browser", keys: ["o"], help: "open the row's page in a browser" },
  { name: "copy", keys: ["y"], help: "copy the row's id to the clipboard (OSC 52)" },
  { name: "go-streams", keys: ["1"], help: "the pane of streams" },
  { name: "go-batches", keys: ["2"], help: "the pane of batches" },
  { name: "go-workers", keys: ["3"], help: "the pane of workers" },
  { name: "go-failures", keys: ["4"], help: "the pane of failures" },
  { name: "go-alerts", keys: ["5"], help: "the pane of alerts" },
  { name: "go-events", keys: ["6"], help: "the pane of events" },
];

/** The help: the panes' numbers are one line, and `ctrl-z` belongs to whoever has the terminal. */
export const HELP: readonly { readonly keys: string; readonly help: string }[] = [
  ...COMMANDS.filter(({ name }) => !name.startsWith("go-")).map(({ keys, help }) => ({ keys: keys.join(" "), help })),
  { keys: "1 to 6", help: "the pane of that number" },
  { keys: "ctrl-z", help: "stop for a while; the shell's fg goes on" },
];

const BY_KEY = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));

export function commandOf(key: string): Command | null {
  return BY_KEY.get(key) ?? null;
}

/** Commands whose name or meaning holds every word; those that are called so first. */
export function commandsLike(text: string): readonly Command[] {
  const wanted = text
    .toLowerCase()
    .split(" ")
    .filter((word) => word !== "");
  const holds = (within: string): boolean => wanted.every((word) => within.toLowerCase().includes(word));
  const found = COMMANDS.filter(({ name, help }) => holds(`${name} ${help}`));
  return [...found.filter(({ name }) => holds(name)), ...found.filter(({ name }) => !holds(name))];
}
