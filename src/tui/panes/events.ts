import type { Happening } from "../feed.ts";
import { words, type Column, type Pane, type Scene } from "../pane.ts";
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
  aside: ({ model }) => words(model.events.length === 0 ? "critical ones" : "newest first", "soft"),
  columns: () => COLUMNS,
  rows: (scene) =>
    happenings(scene).map((event) => ({
      key: String(event.serial),
      cells: [
        words(clock(event.timestamp), "soft"),
        [span(foreign(event.type), toneOf(event.type))],
        words(`${said(event)}${event.times > 1 ? `  ×${event.times}` : ""}`),
      ],
    })),
  empty: () => "Nothing critical lately",
  orders: [{ name: "newest" }],
};

/** Of a feed, else the critical ones that the overview names. */
export function happenings({ model: { events, snapshot } }: Scene): readonly Happening[] {
  if (events.length > 0) return events;
  return snapshot.overview.critical.map(({ type, data, timestamp }, at) => ({ type, data, timestamp, serial: -1 - at, times: 1 }));
}

function clock(timestamp: string | null): string {
  return timestamp === null ? "" : new Date(timestamp).toLocaleTimeString("en-GB");
}

function toneOf(type: string): Tone {
  if (/\.(failed|lost|stalled|expired|firing|doubled|fault)$/.test(type)) return "bad";
  if (/\.(paused|cancelled|retried|reset|changed)$/.test(type)) return "warn";
  if (/\.(completed|resolved)$/.test(type)) return "good";
  return /\.(started|resumed|closed)$/.test(type) ? "busy" : "plain";
}

/** Its data as words: who, then what of it matters. */
function said({ data }: Happening): string {
  const parts: string[] = [];
  const add = (name: string, write = (value: string): string => value): void => {
    const value = data[name];
    if ((typeof value === "string" && value !== "") || typeof value === "number") parts.push(foreign(write(String(value))));
  };
  add("name");
  add("stream");
  add("key");
  add("worker");
  add("rule");
  add("action");
  add("target");
  if (parts.length === 0 || data["batch_id"] !== undefined) add("batch_id", (id) => id.split("_").at(-1) ?? id);
  add("operation");
  add("close_reason");
  add("reason");
  add("message");
  add("error");
  const { total, succeeded, failed } = data;
  if (typeof total === "number" && typeof succeeded === "number")
    parts.push(`${succeeded}/${total} ok${typeof failed === "number" && failed > 0 ? `, ${failed} failed` : ""}`);
  return parts.join(" ");
}
