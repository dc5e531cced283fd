import { clock, count, plural } from "../../terminal/figures.ts";
import type { Happening } from "../happenings.ts";
import { words, type Column, type Pane } from "../pane.ts";
import { foreign, span, type Tone } from "../text.ts";

const COLUMNS: readonly Column[] = [
  { title: "TIME", width: 8 },
  { title: "EVENT", width: 18 },
  { title: "WHAT", width: "rest" },
];

/** What happened, newest first. */
export const eventPane: Pane = {
  id: "events",
  digit: "6",
  title: "Events",
  aside: () => words("newest first", "soft"),
  columns: () => COLUMNS,
  rows({ model }) {
    const { active, history } = model.snapshot;
    const names = new Map([...history.batches, ...active.batches].map(({ id, name }) => [id, name]));
    return model.events.map((event) => ({
      key: String(event.serial),
      cells: [
        words(event.timestamp === null ? "" : clock(Date.parse(event.timestamp)), "soft"),
        [span(foreign(event.type), toneOf(event.type))],
        words(`${said(event, names)}${event.times > 1 ? `  ×${event.times}` : ""}`),
      ],
    }));
  },
  empty: () => "Nothing has happened lately",
  orders: [{ name: "newest" }],
};

function toneOf(type: string): Tone {
  if (/\.(failed|lost|stalled|expired|firing|doubled|fault)$/.test(type)) return "bad";
  if (/\.(paused|cancelled|retried|reset|changed)$/.test(type)) return "warn";
  if (/\.(completed|resolved)$/.test(type)) return "good";
  return /\.(started|resumed|closed)$/.test(type) ? "busy" : "plain";
}

/** Its data as words: who, by its name where that is known, then what of it matters. */
function said({ type, data }: Happening, names: ReadonlyMap<string, string | null>): string {
  const parts: string[] = [];
  const add = (name: string, write = (value: string): string => value): void => {
    const value = data[name];
    if ((typeof value === "string" && value !== "") || typeof value === "number") parts.push(foreign(write(String(value))));
  };
  const known = names.get(String(data["batch_id"])) ?? null;
  if (known === null) add("name");
  else parts.push(foreign(known));
  add("stream");
  add("key");
  add("worker");
  // Messages of alerts begin with the rule.
  const { message, rule } = data;
  if (typeof message !== "string" || typeof rule !== "string" || !message.startsWith(rule)) add("rule");
  add("action");
  add("target");
  if (parts.length === 0 || data["batch_id"] !== undefined) add("batch_id", (id) => id.split("_").at(-1) ?? id);
  add("operation");
  add("close_reason");
  add("reason");
  add("message");
  add("error");
  const { total, succeeded, failed } = data;
  if (typeof total === "number" && /\.(created|started)$/.test(type)) parts.push(plural(total, "item"));
  else if (typeof total === "number" && typeof succeeded === "number")
    parts.push(`${count(succeeded)}/${count(total)} ok${typeof failed === "number" && failed > 0 ? `, ${count(failed)} failed` : ""}`);
  return parts.join(" ");
}
