import { plural } from "../terminal/figures.ts";
import type { Depth } from "./detail.ts";
import { detailLines } from "./detail.ts";
import { COMMANDS, commandsLike, HELP } from "./keymap.ts";
import { headOf, rowOf, type Pane, type PaneId, type Row, type Scene } from "./pane.ts";
import { performanceLines, queueLines } from "./panels/flow.ts";
import { dayLines } from "./panels/day.ts";
import { dayLine, kpiLines, verdictLine } from "./panels/header.ts";
import { summaries } from "./panels/summaries.ts";
import { systemLines } from "./panels/system.ts";
import { apart, cut, cutFront, fit, fitLine, foreign, lineWidth, span, widthOf, wrapped, type Line } from "./text.ts";
import { chosenAt, listed, orderOf, type View } from "./view.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Picture {
  readonly scene: Scene;
  readonly view: View;
  readonly panes: readonly Pane[];
  readonly depth: Depth | null;
  readonly readOnly: boolean;
  /** Told how far what is shown can be scrolled. */
  readonly scrollable?: (most: number) => void;
}

/** From here on the panes stand beside each other; below it the chosen one has the room and the others a line. */
const GRID = { columns: 100, rows: 30 };
const NARROW = 60;
/** Below it the day has its one line in the header only. */
const DAY_ROWS = 40;

/** The whole screen: exactly `rows` lines of `columns` each. */
export function draw(picture: Picture, size: Size): Line[] {
  const { columns, rows } = size;
  const head = header(picture, size);
  const height = Math.max(0, rows - head.length - 1);
  const lines = [...head, ...body(picture, columns, height, rows >= GRID.rows && columns >= GRID.columns)];
  return [...filled(lines, rows - 1), footer(picture, columns)].slice(-rows).map((line) => fitLine(line, columns));
}

function header({ scene, view }: Picture, { columns, rows }: Size): Line[] {
  const lines = [verdictLine(scene, view.frozen, columns), dayLine(scene, columns)];
  if (rows < 16) return lines.slice(0, rows < 8 ? 1 : 2);
  const kpis = kpiLines(scene, columns, columns < NARROW ? 4 : rows < 18 ? 2 : 3);
  return rows >= GRID.rows ? [...lines, [], ...kpis, []] : [...lines, ...kpis];
}

function body(picture: Picture, width: number, height: number, grid: boolean): Line[] {
  const { dialog } = picture.view;
  if (dialog?.kind === "help") return helpLines(picture, dialog.scroll, width, height);
  if (dialog?.kind === "palette") return paletteLines(dialog.text, dialog.at, picture.scene.glyphs.cursor, width, height);
  return grid ? gridLines(picture, width, height) : focusLines(picture, width, height);
}

// ── the panes beside each other ──────────────────────────────────────────────────────────────────────────────────────

function gridLines(picture: Picture, width: number, height: number): Line[] {
  const left = Math.floor((width - 3) * 0.66);
  const right = width - 3 - left;
  const { scene, view } = picture;
  const leftColumn = stacked(height, [
    { least: 4, weight: 5, draw: (rows) => paneLines(picture, "batches", left, rows) },
    {
      least: 4,
      weight: 2,
      most: scene.model.snapshot.overview.streams.length + 3,
      draw: (rows) => paneLines(picture, "streams", left, rows),
    },
    { least: 4, weight: 4, draw: (rows) => paneLines(picture, "events", left, rows) },
  ]);
  const rightColumn =
    view.detail !== null
      ? detailBlock(picture, right, height)
      : stacked(height, [
          {
            least: 3,
            weight: 1,
            most: scene.model.snapshot.overview.workers.length + 3,
            draw: (rows) => paneLines(picture, "workers", right, rows),
          },
          {
            least: 3,
            weight: 2,
            most: scene.model.snapshot.queues.queues.length + 4,
            draw: (rows) => titled("Queue and throughput", scene, right, rows, queueLines),
          },
          {
            least: 3,
            weight: 2,
            most: 10,
            draw: (rows) => titled("Performance", scene, right, rows, performanceLines),
          },
          {
            least: 3,
            weight: 4,
            most: 13,
            draw: (rows) => titled("System", scene, right, rows, systemLines),
          },
          {
            least: 3,
            weight: 1,
            most: scene.model.snapshot.failures.failures.length + 3,
            draw: (rows) => paneLines(picture, "failures", right, rows),
          },
          {
            least: 3,
            weight: 1,
            most: Math.max(1, scene.model.snapshot.alerts?.alerts.length ?? 1) + 2,
            draw: (rows) => paneLines(picture, "alerts", right, rows),
          },
          ...(height < DAY_ROWS
            ? []
            : [
                {
                  least: 6,
                  weight: 1,
                  most: 7,
                  draw: (rows: number) => titled("24 hours", scene, right, rows, dayLines),
                },
              ]),
        ]);
  const divider = span(` ${scene.glyphs.wall} `, "soft");
  return Array.from({ length: height }, (_, row) => [
    ...fitLine(leftColumn[row] ?? [], left),
    divider,
    ...fitLine(rightColumn[row] ?? [], right),
  ]);
}

interface Block {
  readonly least: number;
  readonly weight: number;
  readonly most?: number;
  draw(rows: number): Line[];
}

/** Blocks over each other: what is left over the least of each is shared out by weight; who needs no more gets no more. */
function stacked(height: number, blocks: readonly Block[]): Line[] {
  const shown = [...blocks];
  while (shown.reduce((sum, { least }) => sum + least, 0) > height && shown.length > 1) shown.pop();
  const heights = shown.map(({ least }) => least);
  for (let left = height - heights.reduce((sum, rows) => sum + rows, 0); left > 0;) {
    const wanting = shown.map((block, n) => ({ n, block })).filter(({ n, block }) => heights[n]! < (block.most ?? Infinity));
    if (wanting.length === 0) break;
    const whole = wanting.reduce((sum, { block }) => sum + block.weight, 0);
    let given = 0;
    for (const { n, block } of wanting) {
      const share = Math.min(left - given, (block.most ?? Infinity) - heights[n]!, Math.max(1, Math.floor((left * block.weight) / whole)));
      heights[n]! += share;
      given += share;
    }
    left -= given;
  }
  return shown.flatMap((block, n) => filled(block.draw(heights[n]!), heights[n]!));
}

function filled(lines: readonly Line[], height: number): Line[] {
  return [...lines.slice(0, height), ...Array.from({ length: Math.max(0, height - lines.length) }, (): Line => [])];
}

// ── one pane, the others as a line each ──────────────────────────────────────────────────────────────────────────────

function focusLines(picture: Picture, width: number, height: number): Line[] {
  const across = width < NARROW ? 1 : 2;
  const all = summaries(picture.scene, picture.panes).filter(({ id }) => id !== picture.view.focus);
  const stripHeight = Math.min(Math.ceil(all.length / across), Math.max(0, height - 7));
  const paneHeight = height - stripHeight - (stripHeight > 0 ? 1 : 0);
  const main =
    picture.view.detail === null ? paneLines(picture, picture.view.focus, width, paneHeight) : detailBlock(picture, width, paneHeight);
  if (stripHeight === 0) return main;
  const rule: Line = [span(picture.scene.glyphs.rule.repeat(width), "soft")];
  const wide = Math.floor((width - 2 * (across - 1)) / across);
  const strip = Array.from({ length: stripHeight }, (_, row) =>
    Array.from({ length: across }, (__, column) => all[column * stripHeight + row]).flatMap((summary, column): Line => [
      ...(column === 0 ? [] : [span("  ")]),
      ...(summary === undefined ? fitLine([], wide) : fitLine([span(fit(summary.title, 11), "soft"), ...summary.line], wide)),
    ]),
  );
  return [...filled(main, paneHeight), rule, ...strip];
}

// ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function paneLines({ scene, view, panes }: Picture, id: PaneId, width: number, height: number): Line[] {
  const pane = panes.find((each) => each.id === id)!;
  const focused = view.focus === id;
  const rows = listed(pane, scene, view, width - 2);
  const order = orderOf(pane, view);
  const asides: Line = [
    ...pane.aside(scene),
    ...(view.filters[id] === "" ? [] : [span(`  /${view.filters[id]}`, "accent")]),
    ...(order === pane.orders[0] ? [] : [span(`  ${scene.glyphs.down} ${order.name}`, "accent")]),
    ...(id === "batches" ? markedOf(rows, view, scene) : []),
  ];
  const title = titleLine(`${pane.digit} ${pane.title}`, asides, scene, width, focused);
  if (rows.length === 0)
    return [title, [span(`  ${view.filters[id] === "" || id === "batches" ? pane.empty(scene) : "Nothing matches the filter"}`, "soft")]];
  const inner = width - 2;
  const columns = pane.columns(scene, inner);
  const withHead = height >= 4;
  const space = Math.max(0, height - (withHead ? 2 : 1));
  const at = chosenAt(rows, view.chosen[id]);
  const top = Math.max(0, Math.min(at - space + 1, rows.length - space));
  const body = rows.slice(top, top + space).map((row, n): Line => {
    const isChosen = focused && top + n === at;
    const sign = isChosen ? scene.glyphs.cursor : view.marked.has(row.key) && id === "batches" ? scene.glyphs.mark : " ";
    const line: Line = [span(sign, "accent"), span(" "), ...rowOf(columns, row, inner)];
    return isChosen ? line.map(({ text }) => span(text, "chosen")) : line;
  });
  return [title, ...(withHead ? [[span("  "), ...headOf(columns, inner)]] : []), ...body];
}

/** Those that can be seen, as only they are meant. */
function markedOf(rows: readonly Row[], { marked }: View, { glyphs }: Scene): Line {
  const seen = marked.size === 0 ? 0 : rows.filter(({ key }) => marked.has(key)).length;
  return seen === 0 ? [] : [span(`  ${glyphs.mark} ${seen} marked`, "accent")];
}

function titled(
  title: string,
  scene: Scene,
  width: number,
  height: number,
  draw: (scene: Scene, width: number, space: number) => Line[],
): Line[] {
  return [titleLine(title, [], scene, width, false), ...draw(scene, width - 2, height - 1).map((line) => [span("  "), ...line])];
}

/** The rule of the pane that has the keys is a heavy one: without colours, too, it is found at a glance. */
function titleLine(title: string, asides: Line, { glyphs }: Scene, width: number, focused: boolean): Line {
  const text: Line = [span(title, focused ? "accent" : "strong"), ...(lineWidth(asides) === 0 ? [] : [span("  "), ...asides]), span(" ")];
  const left = width - lineWidth(text);
  if (left <= 2) return text;
  return [...text, focused ? span(glyphs.focus.repeat(left), "accent") : span(glyphs.rule.repeat(left), "soft")];
}

function detailBlock({ scene, view, panes, depth, scrollable }: Picture, width: number, height: number): Line[] {
  const { detail } = view;
  if (detail === null) return [];
  const pane = panes.find(({ id }) => id === detail.pane)!;
  const inner = width - 2;
  const lines = detailLines(scene, detail.pane, detail.key, depth, inner);
  const space = height - 1;
  const most = Math.max(0, lines.length - space);
  scrollable?.(most);
  const top = Math.min(detail.scroll, most);
  const more = lines.length > top + space ? [span(`${plural(lines.length - top - space, "more line")} `, "soft")] : [];
  const title = titleLine(`${pane.title} ${scene.glyphs.cursor} ${cut(foreign(nameOf(scene, detail)), 40)}`, more, scene, width, true);
  return [title, ...lines.slice(top, top + space).map((line) => [span("  "), ...fitLine(line, inner)])];
}

/** Rows are named by their keys; an event has none that says anything. */
function nameOf(scene: Scene, { pane, key }: NonNullable<View["detail"]>): string {
  return pane === "events" ? (scene.model.events.find(({ serial }) => String(serial) === key)?.type ?? key) : key;
}

function helpLines({ scrollable }: Picture, scroll: number, width: number, height: number): Line[] {
  const keysWide = Math.min(Math.max(...HELP.map(({ keys }) => widthOf(keys))) + 2, Math.floor(width / 2));
  const rows = HELP.flatMap(({ keys, help }) =>
    wrapped(help, Math.max(8, width - keysWide)).map((text, n): Line => [span(fit(n === 0 ? keys : "", keysWide), "accent"), span(text)]),
  );
  const space = height - 1;
  const most = Math.max(0, rows.length - space);
  scrollable?.(most);
  const top = Math.min(scroll, most);
  const more = most > 0 ? `, j and k move, ${top + 1} to ${top + space} of ${rows.length}` : "";
  return [[span("Keys", "accent"), span(`  esc closes${more}`, "soft")], ...rows.slice(top, top + space)];
}

function paletteLines(text: string, at: number, cursor: string, width: number, height: number): Line[] {
  const found = commandsLike(text);
  const top = Math.max(0, at - height + 2);
  const rows = found
    .slice(top, top + height - 1)
    .map(({ name, keys, help }, n): Line => [
      span(top + n === at ? `${cursor} ` : "  ", "accent"),
      span(fit(name, 16), top + n === at ? "strong" : "plain"),
      span(fit(keys[0] ?? "", 10), "accent"),
      span(cut(help, Math.max(0, width - 28)), "soft"),
    ]);
  return [
    [span("Commands", "accent"), span("  type to find, enter runs, esc closes", "soft")],
    ...(rows.length === 0 ? [[span("  None is called so", "soft")]] : rows),
  ];
}

// ── the last line ────────────────────────────────────────────────────────────────────────────────────────────────────

function footer(picture: Picture, width: number): Line {
  const { dialog, message, focus, detail } = picture.view;
  const cursor = span(picture.scene.glyphs.caret, "accent");
  if (dialog?.kind === "filter")
    return entry("/", dialog.text, cursor, message ?? { text: "enter filters, esc does not", tone: "soft" }, width);
  if (dialog?.kind === "palette") return entry(":", dialog.text, cursor, message, width);
  if (dialog?.kind === "confirm") {
    const { act, typed } = dialog;
    const many = act.things.length > MANY;
    const question: Line = [span(`${act.verb} ${act.subject}? `, "warn")];
    return many
      ? apart(question, [span(`type ${act.things.length} and enter: `, "soft"), span(typed, "strong"), cursor], width)
      : lineWidth(question) + lineWidth(YES_OR_NO) > width
        ? apart(question, YES_OR_NO, width)
        : [...question, ...YES_OR_NO];
  }
  if (message !== null) return [span(message.text, message.tone)];
  const keys = COMMANDS.flatMap(({ name, keys: [key], short, changes }) => {
    const said = short?.[focus] ?? short?.any;
    if (said === undefined || (changes === true && picture.readOnly)) return [];
    return [{ key: key!, said: name === "open" && detail !== null ? "close" : said }];
  });
  const said = (key: string, text: string): Line => [span(key, "accent"), span(` ${text}`)];
  // Help and quit are found on every screen, however narrow.
  const last = keys.slice(-2).map(({ key, said: text }) => said(key, text));
  const line: Line[] = picture.readOnly ? [[span("read-only", "warn")]] : [];
  for (const each of keys.slice(0, -2).map(({ key, said: text }) => said(key, text))) {
    const wide = [...line, each, ...last].reduce((sum, part) => sum + lineWidth(part) + 2, -2);
    if (wide > width) break;
    line.push(each);
  }
  return [...line, ...last].flatMap((part, n) => (n === 0 ? part : [span("  "), ...part]));
}

const YES_OR_NO: Line = [span("  y", "accent"), span(" yes"), span("  n", "accent"), span(" no")];

/** What is being typed: its end stays in sight. A hint gives way to it; what is wrong with it does not. */
function entry(sign: string, text: string, cursor: Line[number], said: View["message"], width: number): Line {
  const room = width - widthOf(sign) - widthOf(cursor.text);
  const firm = said !== null && said.tone !== "soft";
  const beside = said === null ? "" : cut(`  ${said.text}`, firm ? Math.max(0, room - 8) : room);
  const kept = firm || widthOf(text) + widthOf(beside) <= room ? beside : "";
  const typed: Line = [span(sign, "accent"), span(cutFront(text, room - widthOf(kept))), cursor];
  return apart(typed, [span(kept, said?.tone ?? "soft")], width);
}

/** Up to so many things are confirmed by one key. */
export const MANY = 10;
