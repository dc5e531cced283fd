import { count } from "../terminal/figures.ts";
import { qualified } from "../client/index.ts";
import { actOn, perform, type Act, type ActName } from "./acts.ts";
import { loadDepth, type Depth } from "./detail.ts";
import { Feed, type Model } from "./feed.ts";
import { draw, MANY, type Size } from "./frame.ts";
import { commandOf, commandsLike, type CommandName } from "./keymap.ts";
import { WINDOW_MINUTES, type RunOptions } from "./options.ts";
import { painted } from "./palette.ts";
import type { Pane, PaneId, Scene } from "./pane.ts";
import { panesOf } from "./panes/all.ts";
import { FAST_PARTS, SLOW_PARTS, type Question, type Snapshot } from "./snapshot.ts";
import { foreign, signsOf } from "./text.ts";
import { choose, chosenAt, firstView, listed, TOP, type View } from "./view.ts";

const WINDOWS = [5, 15, 60, 360, 1_440, 10_080];
const PAGE = 10;
/** So many rows before its end the list goes on. */
const AHEAD = 50;
const DEPTH_MS = 1_000;
const STEPS: Readonly<Partial<Record<CommandName, number>>> = {
  down: 1,
  up: -1,
  "page-down": PAGE,
  "page-up": -PAGE,
  first: -Infinity,
  last: Infinity,
};

/** What the program does to its surroundings. */
export interface Surround {
  /** Text for the terminal itself, such as for its clipboard. */
  write(text: string): void;
  browse(url: string): void;
}

/** The dashboard behind its keys: what is known, what is chosen, and what a key does. It is drawn by whoever asks `screen`. */
export class Program {
  readonly #options: RunOptions;
  readonly #surround: Surround;
  readonly #panes: readonly Pane[];
  readonly #listeners = new Set<() => void>();
  #feed: Feed | null = null;
  #view: View;
  #depth: Depth | null = null;
  #depthAt = 0;
  /** What is drawn while the screen stands still. */
  #still: { model: Model; now: number } | null = null;
  /** How far what was drawn last can be scrolled. */
  #scrollable = 0;
  #version = 0;
  #tick: ReturnType<typeof setInterval> | null = null;
  #finish: () => void = () => undefined;
  readonly finished: Promise<void>;

  constructor(options: RunOptions, surround: Surround) {
    this.#options = options;
    this.#surround = surround;
    this.#view = firstView(options.filterText, WINDOW_MINUTES);
    this.#panes = panesOf(() => ({ filtered: this.#view.filters.batches !== "", sorted: this.#view.orders.batches !== 0 }));
    this.finished = new Promise((resolve) => (this.#finish = resolve));
  }

  /** Throws ClientError when the server cannot be asked. */
  async start(): Promise<void> {
    const { client, refreshMs, filter } = this.#options;
    const question = { filter, sorting: {}, windowMinutes: WINDOW_MINUTES };
    this.#feed = await Feed.start({ client, refreshMs, question, changed: () => this.#heard() });
    // The clock moves on, and so does what is said of a server that is silent.
    this.#tick = setInterval(() => this.#changed(), 1_000);
  }

  close(): void {
    this.#feed?.close();
    if (this.#tick !== null) clearInterval(this.#tick);
    this.#finish();
  }

  get snapshot(): Snapshot | null {
    return this.#feed?.model.snapshot ?? null;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Grows with every change. */
  readonly version = (): number => this.#version;

  /** Every line of the screen, ready to be written. */
  screen(size: Size): string[] {
    const scene = this.#scene();
    const picture = {
      scene,
      view: this.#view,
      panes: this.#panes,
      depth: this.#depth,
      readOnly: this.#options.readOnly,
      scrollable: (most: number) => void (this.#scrollable = most),
    };
    const old = scene.model.connection.kind !== "live";
    const { palette } = this.#options;
    // What is old is grey, but for the first line, which says how old, and the last, which says what the keys do.
    return draw(picture, size).map((line, at) => painted(line, palette, old && at > 0 && at < size.rows - 1).trimEnd());
  }

  press(key: string): void {
    if (this.#feed === null) return key === "q" || key === "ctrl-c" ? this.close() : undefined;
    if (key === "ctrl-c") return this.close();
    if (this.#view.message !== null) this.#set({ message: null });
    const { dialog } = this.#view;
    if (dialog === null) {
      const command = commandOf(key);
      if (command !== null) this.#run(command.name);
    } else if (key === "esc") this.#set({ dialog: null });
    else if (dialog.kind === "help") this.#leaf(dialog.scroll, key);
    else if (dialog.kind === "filter") this.#typeFilter(dialog.text, key);
    else if (dialog.kind === "palette") this.#typeCommand(dialog.text, dialog.at, key);
    else this.#answer(dialog.act, dialog.typed, key);
  }

  #scene(): Scene {
    const { model, now } = this.#still ?? { model: this.#feed!.model, now: Date.now() };
    return { model, glyphs: this.#options.palette.glyphs, now };
  }

  #set(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    this.#changed();
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  #heard(): void {
    if (Date.now() - this.#depthAt >= DEPTH_MS) void this.#dive();
    if (this.#still === null) this.#changed();
  }

  #say(text: string, tone: "good" | "bad" | "warn" = "warn"): void {
    this.#set({ message: { text: foreign(text), tone } });
  }

  #pane(): Pane {
    return this.#panes.find(({ id }) => id === this.#view.focus)!;
  }

  #run(name: CommandName): void {
    const pane = this.#pane();
    // From the first key on the row is chosen, and not whatever comes to stand in its place.
    const all = listed(pane, this.#scene(), this.#view);
    this.#view = choose(this.#view, pane.id, all, chosenAt(all, this.#view.chosen[pane.id]));
    const view = this.#view;
    const move = (to: (at: number, length: number) => number): void => {
      if (view.detail !== null) {
        const scroll = Math.max(0, Math.min(this.#scrollable, to(view.detail.scroll, this.#scrollable + 1)));
        return this.#set({ detail: { ...view.detail, scroll } });
      }
      const at = to(chosenAt(all, view.chosen[pane.id]), all.length);
      this.#view = choose(view, pane.id, all, at);
      if (pane.id === "batches" && at > all.length - AHEAD) void this.#feed!.more();
      this.#changed();
    };
    switch (name) {
      case "quit":
        return this.close();
      case "help":
        return this.#set({ dialog: { kind: "help", scroll: 0 } });
      case "filter":
        return this.#set({ dialog: { kind: "filter", text: view.filters[pane.id] } });
      case "palette":
        return this.#set({ dialog: { kind: "palette", text: "", at: 0 } });
      case "down":
        return move((at) => at + 1);
      case "up":
        return move((at) => at - 1);
      case "page-down":
        return move((at) => at + PAGE);
      case "page-up":
        return move((at) => at - PAGE);
      case "first":
        return move(() => 0);
      case "last":
        return move((_, length) => length - 1);
      case "next-pane":
        return this.#go(this.#panes[(this.#panes.indexOf(pane) + 1) % this.#panes.length]!.id);
      case "previous-pane":
        return this.#go(this.#panes[(this.#panes.indexOf(pane) + this.#panes.length - 1) % this.#panes.length]!.id);
      case "open": {
        const key = this.#key();
        if (view.detail !== null || key === null) return this.#set({ detail: null });
        this.#depth = null;
        this.#set({ detail: { pane: pane.id, key, scroll: 0 } });
        return void this.#dive();
      }
      case "back":
        if (view.detail !== null) return this.#set({ detail: null });
        if (view.marked.size > 0) return this.#set({ marked: new Set() });
        return view.filters[pane.id] === "" ? undefined : this.#filter("");
      case "mark": {
        const key = this.#key();
        if (pane.id !== "batches" || key === null) return;
        const marked = new Set(view.marked);
        if (!marked.delete(key)) marked.add(key);
        this.#view = { ...view, marked };
        return this.#run("down");
      }
      case "freeze":
        this.#still = this.#still === null ? { model: this.#feed!.model, now: Date.now() } : null;
        return this.#set({ frozen: this.#still !== null });
      case "sort":
        return this.#sort(pane);
      case "longer":
      case "shorter":
        return this.#window(name === "longer" ? 1 : -1);
      case "browser": {
        const url = `${this.#options.url.replace(/\/$/, "")}${pageOf(pane.id, this.#key())}`;
        this.#surround.browse(url);
        return this.#say(url, "good");
      }
      case "copy": {
        const key = this.#key();
        if (key === null) return;
        this.#surround.write(`\u001b]52;c;${Buffer.from(key).toString("base64")}\u0007`);
        return this.#say(`Copied ${key}`, "good");
      }
      case "retry":
      case "close":
      case "pause":
      case "ack":
      case "silence":
        return this.#propose(name);
      default:
        return this.#go(name.slice("go-".length) as PaneId);
    }
  }

  /** The help is read as rows are; every other key closes it. */
  #leaf(scroll: number, key: string): void {
    const step = STEPS[commandOf(key)?.name ?? "quit"];
    if (step === undefined) return this.#set({ dialog: null });
    this.#set({ dialog: { kind: "help", scroll: Math.max(0, Math.min(this.#scrollable, scroll + step)) } });
  }

  #go(focus: PaneId): void {
    this.#set({ focus, detail: null });
  }

  /** Of the row that is chosen, or shown whole. */
  #key(): string | null {
    const { detail, chosen } = this.#view;
    if (detail !== null) return detail.key;
    const pane = this.#pane();
    const rows = listed(pane, this.#scene(), this.#view);
    return rows[chosenAt(rows, chosen[pane.id])]?.key ?? null;
  }

  #sort(pane: Pane): void {
    const at = (this.#view.orders[pane.id] + 1) % pane.orders.length;
    const { sorting } = pane.orders[at]!;
    const orders = { ...this.#view.orders, [pane.id]: at };
    if (pane.id === "batches") this.#askAnew({ ...this.#feed!.question, sorting: sorting ?? {} }, { orders });
    else this.#set({ orders });
  }

  /** Another list of batches: marks are of what can be seen, and a picture that stands still would not show it. */
  #askAnew(question: Question, change: Partial<View>): void {
    this.#feed!.ask(question);
    this.#still = null;
    this.#set({ ...change, marked: new Set(), frozen: false, chosen: { ...this.#view.chosen, batches: TOP } });
  }

  #window(step: number): void {
    const at = WINDOWS.indexOf(this.#view.windowMinutes);
    const windowMinutes = WINDOWS[Math.max(0, Math.min(WINDOWS.length - 1, at + step))]!;
    this.#feed!.ask({ ...this.#feed!.question, windowMinutes });
    this.#set({ windowMinutes });
    this.#say(`Latency by stage: the last ${windowMinutes < 120 ? `${windowMinutes} minutes` : `${windowMinutes / 60} hours`}`, "good");
  }

  // ── what is typed ──────────────────────────────────────────────────────────────────────────────────────────────────

  #typeFilter(text: string, key: string): void {
    if (key === "enter") return this.#filter(text);
    this.#set({ dialog: { kind: "filter", text: typed(text, key) } });
  }

  #filter(text: string): void {
    const pane = this.#pane().id;
    const filters = { ...this.#view.filters, [pane]: text.trim() };
    if (pane !== "batches") return this.#set({ filters, dialog: null });
    const { filter, unknown } = qualified(text, Date.now());
    if (unknown.length > 0) return this.#say(`Not understood: ${unknown.join(" ")}`, "bad");
    this.#askAnew({ ...this.#feed!.question, filter }, { filters, dialog: null });
  }

  #typeCommand(text: string, at: number, key: string): void {
    const found = commandsLike(text);
    if (key === "enter") {
      this.#set({ dialog: null });
      const command = found[at];
      return command === undefined ? undefined : this.#run(command.name);
    }
    if (key === "down" || key === "up" || key === "tab") {
      const next = Math.max(0, Math.min(found.length - 1, at + (key === "up" ? -1 : 1)));
      return this.#set({ dialog: { kind: "palette", text, at: next } });
    }
    this.#set({ dialog: { kind: "palette", text: typed(text, key), at: 0 } });
  }

  // ── what changes something ─────────────────────────────────────────────────────────────────────────────────────────

  #propose(name: ActName): void {
    if (this.#options.readOnly) return this.#say("Nothing is changed here: --read-only");
    const { connection } = this.#scene().model;
    if (connection.kind !== "live") return this.#say(connection.kind === "ended" ? connection.message : "The server does not answer");
    const { focus, marked, filters, orders } = this.#view;
    const key = this.#key();
    const keys = focus === "batches" && marked.size > 0 ? [...marked] : key === null ? [] : [key];
    const act = actOn(name, focus, keys, this.#scene(), filters.batches !== "" || orders.batches !== 0);
    if (typeof act === "string") this.#say(act);
    else this.#set({ dialog: { kind: "confirm", act, typed: "" } });
  }

  #answer(act: Act, written: string, key: string): void {
    if (act.things.length <= MANY) {
      this.#set({ dialog: null });
      if (key === "y" || key === "enter") void this.#perform(act);
      return;
    }
    if (key !== "enter") return this.#set({ dialog: { kind: "confirm", act, typed: typed(written, key) } });
    this.#set({ dialog: null });
    if (written.trim() === String(act.things.length)) void this.#perform(act);
    else this.#say(`Nothing was done: ${written === "" ? "no number" : written} is not ${act.things.length}`);
  }

  async #perform(act: Act): Promise<void> {
    this.#say(`${act.verb} ${act.subject} …`);
    const { done, refused } = await perform(act, this.#options.client);
    if (done > 0) this.#set({ marked: new Set() });
    // First what became of it, then the word that it is done: the next key is about what is there now.
    await this.#feed?.refreshed([...FAST_PARTS, ...SLOW_PARTS]);
    const [first] = refused;
    if (first === undefined) this.#say(`${act.verb} ${act.subject}: done`, "good");
    else this.#say(`${done > 0 ? `${count(done)} done, ${count(refused.length)} refused: ` : ""}${first}`, "bad");
    void this.#dive();
  }

  /** Loads what the shown row needs beyond the snapshot. */
  async #dive(): Promise<void> {
    const { detail } = this.#view;
    if (detail === null) return;
    this.#depthAt = Date.now();
    const depth = await loadDepth(this.#options.client, detail.pane, detail.key).catch(() => null);
    // Another row was opened meanwhile; and while the server is away the last picture stays.
    if (this.#view.detail?.key !== detail.key || depth === null) return;
    this.#depth = depth;
    if (this.#still === null) this.#changed();
  }
}

function typed(text: string, key: string): string {
  if (key === "backspace") return signsOf(text).slice(0, -1).join("");
  if (key === "ctrl-u") return "";
  if (key === "space") return `${text} `;
  return signsOf(key).length === 1 || !/^[a-z-]+$/.test(key) ? text + foreign(key) : text;
}

function pageOf(pane: PaneId, key: string | null): string {
  const at = key === null ? "" : `/${encodeURIComponent(key)}`;
  return pane === "batches" || pane === "streams" ? `/${pane}${at}` : `/${pane}`;
}
