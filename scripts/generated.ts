/** The parts of docs/ that are written by the code they describe. `npm run docs` writes them, test/docs.test.ts compares. */
import { loadConfig, SETTINGS } from "../src/config.ts";
import { CONTROL_FRAMES, EVENTS, type EventKind } from "../src/events/catalogue.ts";
import { ERRORS } from "../src/model/errors.ts";
import { ALERT_KIND_NAMES, ALERT_KINDS } from "../src/monitor/alerts/catalogue.ts";
import { alertRules, grafanaBoard, metricTable } from "./observability.ts";
import { BATCH_MOVES, CHUNK_MOVES, FINAL_BATCH_STATES, ITEM_MOVES, type Move } from "../src/model/moves.ts";

export interface Generated {
  /** Page, relative to the checkout. */
  file: string;
  /** Name between the markers `<!-- generated:NAME -->` and `<!-- /generated -->`. */
  name: string;
  readonly text: () => string;
}

export const GENERATED: readonly Generated[] = [
  { file: "docs/learn/states.md", name: "batch", text: () => diagram(BATCH_MOVES, "pending", FINAL_BATCH_STATES) },
  { file: "docs/learn/states.md", name: "chunk", text: () => diagram(CHUNK_MOVES, "pending", ["done", "cancelled"]) },
  {
    file: "docs/learn/states.md",
    name: "item",
    text: () => diagram(ITEM_MOVES, "pending", ["succeeded", "failed", "cancelled", "expired"]),
  },
  { file: "docs/operate/errors.md", name: "errors", text: errorTable },
  { file: "docs/operate/events.md", name: "events", text: eventTable },
  { file: "docs/operate/events.md", name: "frames", text: frameTable },
  { file: "docs/operate/events.md", name: "examples", text: eventExamples },
  { file: "docs/operate/config.md", name: "settings", text: settingsTable },
  { file: "docs/operate/metrics.md", name: "metrics", text: metricTable },
  { file: "docs/operate/alerts.md", name: "rules", text: ruleTable },
];

/** Files that are written as a whole. */
export const GENERATED_FILES: readonly { file: string; readonly text: () => string }[] = [
  { file: "docs/operate/prometheus-rules.yml", text: alertRules },
  { file: "docs/operate/grafana-board.json", text: grafanaBoard },
];

/** The page with the part between its markers replaced. Throws when the page has no such markers. */
export function withGenerated(page: string, { file, name, text }: Generated): string {
  const open = `<!-- generated:${name} -->\n`;
  const start = page.indexOf(open);
  const end = page.indexOf("<!-- /generated -->", start);
  if (start < 0 || end < 0) throw new Error(`${file} has no markers '${open.trim()}' … '<!-- /generated -->'`);
  return `${page.slice(0, start + open.length)}${text()}\n${page.slice(end)}`;
}

function diagram(moves: readonly Move<string>[], first: string, final: readonly string[]): string {
  const arrows = moves.flatMap((move) => move.from.map((from) => `  ${from} --> ${move.to}: ${move.name}`));
  const ends = final.map((state) => `  ${state} --> [*]`);
  return ["```mermaid", "stateDiagram-v2", `  [*] --> ${first}`, ...arrows, ...ends, "```"].join("\n");
}

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, message }]) => `| \`${code}\` | ${status} | ${cell(message)} |`);
  return ["| code | status | message |", "|---|---|---|", ...rows].join("\n");
}

function eventTable(): string {
  const rows = Object.entries<EventKind>(EVENTS).map(
    ([type, { class: sort, severity, when, data }]) => `| \`${type}\` | ${sort} | ${severity} | ${cell(when)} | ${fieldsOf(data)} |`,
  );
  return ["| type | class | severity | when | data |", "|---|---|---|---|---|", ...rows].join("\n");
}

function frameTable(): string {
  const rows = Object.entries(CONTROL_FRAMES).map(([type, { when, data }]) => `| \`${type}\` | ${cell(when)} | ${fieldsOf(data)} |`);
  return ["| event | when | data |", "|---|---|---|", ...rows].join("\n");
}

function eventExamples(): string {
  return [
    "```jsonl",
    ...Object.entries<EventKind>(EVENTS).map(([type, { example }]) => JSON.stringify({ type, data: example })),
    "```",
  ].join("\n");
}

/** Field names; `?` = may be absent. */
function fieldsOf(data: EventKind["data"]): string {
  return Object.entries(data.shape)
    .map(([name, field]) => `\`${name}\`${field.safeParse(undefined).success ? "?" : ""}`)
    .join(", ");
}

function settingsTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, { fallback, allowed, secret }]) => {
    const value = fallback === null ? "none" : `\`${Array.isArray(fallback) ? fallback.join(",") : String(fallback)}\``;
    return `| \`${name}\` | ${cell(value)} | ${cell(allowed.replace(/^allowed: /, ""))}${secret ? " (never shown)" : ""} |`;
  });
  return ["| name | default | allowed |", "|---|---|---|", ...rows].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

const BREACHES = { above: ">", atLeast: "≥", below: "<", atMost: "≤" } as const;

/** Rules as they are at first, with the settings' defaults. */
function ruleTable(): string {
  const { alerts, queue } = loadConfig({});
  const rows = ALERT_KIND_NAMES.map((name) => {
    const { measures, unit, compare, threshold, severity, frequency, forSeconds, keepSeconds, enabled } = ALERT_KINDS[name];
    const breach = `${BREACHES[compare]} ${threshold({ alerts, queue })}${unit === "count" ? "" : ` ${unit === "percent" ? "%" : unit}`}`;
    return `| \`${name}\` | ${measures} | ${breach} | ${severity}, ${frequency}${enabled ? "" : ", off"} | ${forSeconds} s | ${keepSeconds} s |`;
  });
  return ["| rule | measures | fires | told | for | keep |", "|---|---|---|---|---|---|", ...rows].join("\n");
}
