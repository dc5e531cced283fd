import type { Measure } from "./measures.ts";
import { sortedGroups, valueOf } from "./summary.ts";
import type { Grouping, GroupSummary } from "./summary.ts";

export interface ReportFacts {
  title: string;
  /** Where the rows came from, as a phrase. */
  source: string;
  /** ISO 8601. */
  madeAt: string;
  groupBy: readonly string[];
  measures: readonly Measure[];
  notes: readonly string[];
}

const CHART_BARS = 20;

const STYLE = `
:root{color-scheme:light dark;--bg:#f7f7f4;--card:#fff;--ink:#1c2126;--soft:#5b646d;--line:#e2e3de;--bar:#2f6f8f;--track:#eef0ec;--warn:#8a4b00}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1d2226;--ink:#eceeef;--soft:#a3adb5;--line:#31383e;--bar:#6fb3d2;--track:#272d32;--warn:#f0b36b}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:64rem;margin:0 auto;padding:3rem 1.25rem 4rem}h1{font-size:2rem;line-height:1.2;margin:0 0 .35rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:0 0 1rem;overflow-wrap:anywhere}
.lead{color:var(--soft);margin:0 0 2rem}.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:1rem;margin:0 0 1.5rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.25rem;margin:0 0 1.5rem}.tiles .card{margin:0}
.tiles dt{color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}.tiles dd{margin:.15rem 0 0;font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto}svg text{fill:var(--ink);font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}svg .value{fill:var(--soft);font-variant-numeric:tabular-nums}
.bar{fill:var(--bar)}.track{fill:var(--track)}.zero{stroke:var(--line)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}caption{text-align:left;color:var(--soft);padding:0 0 .75rem}
th,td{padding:.5rem .75rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}th{font-weight:600}thead th{color:var(--soft);font-size:.82rem;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}tfoot th,tfoot td{border-bottom:0;font-weight:600}tbody th{font-weight:400;overflow-wrap:anywhere}
.notes{border-left:4px solid var(--warn)}.notes ul{margin:0;padding-left:1.2rem}.notes li{overflow-wrap:anywhere}
@media print{body{background:#fff}.card{break-inside:avoid}}`;

/** The report as one HTML page without scripts or outside resources; every text of the rows is escaped. In blocks. */
export function* page(facts: ReportFacts, grouping: Grouping): Generator<string> {
  const { measures, groupBy } = facts;
  const groups = sortedGroups(grouping, measures);
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(facts.title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escaped(facts.title)}</h1>
<p class="lead">${escaped(facts.source)} · made <time datetime="${escaped(facts.madeAt)}">${escaped(facts.madeAt.slice(0, 16).replace("T", " "))} UTC</time></p>
${tiles(facts, grouping, groups.length)}`;
  if (groupBy.length > 0 && groups.length > 0) for (const measure of measures) yield chart(measure, groups, groupBy);
  if (facts.notes.length > 0)
    yield `<section class="card notes"><h2>About the data</h2><ul>${facts.notes.map((note) => `<li>${escaped(note)}</li>`).join("")}</ul></section>\n`;
  yield* table(facts, grouping, groups);
  yield "</main></body></html>\n";
}

function tiles(facts: ReportFacts, grouping: Grouping, groups: number): string {
  const shown: [string, string][] = [["rows", shownNumber(grouping.total.rows)]];
  if (facts.groupBy.length > 0) shown.push(["groups", shownNumber(groups)]);
  for (const measure of facts.measures)
    if (measure.name !== "count") shown.push([measure.label, compactNumber(valueOf(grouping.total, measure))]);
  return `<dl class="tiles">${shown.map(([name, value]) => `<div class="card"><dt>${escaped(name)}</dt><dd>${value}</dd></div>`).join("")}</dl>\n`;
}

const ROW = 30;
const WIDTH = 880;
const LABELS = 230;
const VALUES = 90;

function chart(measure: Measure, groups: readonly GroupSummary[], groupBy: readonly string[]): string {
  const bars = groups
    .map((group) => ({ label: group.labels.join(" · "), value: valueOf(group, measure) }))
    .filter((bar): bar is { label: string; value: number } => bar.value !== null)
    .sort((a, b) => b.value - a.value);
  const shown = bars.slice(0, CHART_BARS);
  if (shown.length === 0) return "";
  const low = Math.min(0, ...shown.map(({ value }) => value));
  const high = Math.max(0, ...shown.map(({ value }) => value));
  const room = WIDTH - LABELS - VALUES;
  const x = (value: number) => LABELS + (high === low ? 0 : ((value - low) / (high - low)) * room);
  const title = `${measure.label} by ${groupBy.join(", ")}${bars.length > shown.length ? ` (largest ${shown.length} of ${shownNumber(bars.length)})` : ""}`;
  const lines = shown.map(({ label, value }, index) => {
    const y = index * ROW;
    const from = Math.min(x(0), x(value));
    const width = Math.max(1, Math.abs(x(value) - x(0)));
    return `<g><title>${escaped(label)}: ${shownNumber(value)}</title><text x="${LABELS - 12}" y="${y + 19}" text-anchor="end">${escaped(short(label, 30))}</text><rect class="track" x="${LABELS}" y="${y + 5}" width="${room}" height="20" rx="4"/><rect class="bar" x="${from.toFixed(1)}" y="${y + 5}" width="${width.toFixed(1)}" height="20" rx="4"/><text class="value" x="${WIDTH - VALUES + 10}" y="${y + 19}">${compactNumber(value)}</text></g>`;
  });
  const zero = low < 0 ? `<line class="zero" x1="${x(0).toFixed(1)}" x2="${x(0).toFixed(1)}" y1="0" y2="${shown.length * ROW}"/>` : "";
  return `<section class="card"><h2>${escaped(title)}</h2><svg viewBox="0 0 ${WIDTH} ${shown.length * ROW}" role="img" aria-label="${escaped(title)}; the table below has the same numbers">${lines.join("")}${zero}</svg></section>\n`;
}

function* table(facts: ReportFacts, grouping: Grouping, groups: readonly GroupSummary[]): Generator<string> {
  const { groupBy, measures } = facts;
  const heads =
    [...(groupBy.length === 0 ? ["rows"] : groupBy)].map((name) => `<th scope="col">${escaped(name)}</th>`).join("") +
    measures.map(({ label }) => `<th scope="col" class="n">${escaped(label)}</th>`).join("");
  const cells = (group: GroupSummary) => measures.map((measure) => `<td class="n">${shownNumber(valueOf(group, measure))}</td>`).join("");
  yield `<section class="card scroll" tabindex="0" role="region" aria-label="All groups"><table><caption>All groups, largest ${escaped(measures[0]!.label)} first</caption><thead><tr>${heads}</tr></thead><tbody>\n`;
  if (groupBy.length > 0)
    for (const group of groups)
      yield `<tr>${group.labels.map((label, index) => (index === 0 ? `<th scope="row">${escaped(label)}</th>` : `<td>${escaped(label)}</td>`)).join("")}${cells(group)}</tr>\n`;
  const span = Math.max(1, groupBy.length);
  yield `</tbody><tfoot><tr><th scope="row"${span > 1 ? ` colspan="${span}"` : ""}>All rows</th>${cells(grouping.total)}</tr></tfoot></table></section>\n`;
}

const numberFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const wholeFormat = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const smallFormat = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const compactFormat = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function shownNumber(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return wholeFormat.format(value);
  return value !== 0 && size < 0.01 ? smallFormat.format(value) : numberFormat.format(value);
}

/** Where room is short: 272.6B; the table has the whole number. */
function compactNumber(value: number | null): string {
  return value !== null && Math.abs(value) >= 1e6 ? compactFormat.format(value) : shownNumber(value);
}

function short(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
