import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { draw, type Picture } from "./frame.ts";
import { PLAIN, UNICODE } from "./glyphs.ts";
import { painted } from "./palette.ts";
import { panesOf } from "./panes/all.ts";
import { plainFrame } from "./plain.ts";
import { NOON, scene, snapshot } from "./scene.fixture.ts";
import { widthOf } from "./text.ts";
import { firstView, type View } from "./view.ts";

const shot = (name: string): string => join(import.meta.dirname, "screens", `${name}.txt`);

function picture(view: Partial<View> = {}, more: Partial<Picture> = {}): Picture {
  return {
    scene: scene(),
    view: { ...firstView("", 60), ...view },
    panes: panesOf(() => ({ filtered: false, sorted: false })),
    depth: null,
    readOnly: false,
    ...more,
  };
}

/** As a terminal without colours shows it; times of day in UTC. */
function text(of: Picture, columns: number, rows: number): string {
  const palette = { color: false, glyphs: of.scene.glyphs };
  return inUtc(draw(of, { columns, rows }).map((line) => painted(line, palette).trimEnd()).join("\n")); // prettier-ignore
}

/** Every time of day on the screen is of the day of NOON, in the zone of the machine. */
function inUtc(screen: string): string {
  return screen.replaceAll(/\b(\d\d):(\d\d):(\d\d)\b/g, (_, hours: string, minutes: string, seconds: string) => {
    const at = new Date(NOON);
    at.setHours(Number(hours), Number(minutes), Number(seconds));
    return at.toISOString().slice(11, 19);
  });
}

describe("the screen", () => {
  it.each([
    ["wide", 120, 40],
    ["usual", 80, 24],
    ["small", 60, 20],
    ["narrow", 45, 24],
  ])("%s, %i × %i", async (name, columns, rows) => {
    await expect(text(picture(), columns, rows)).toMatchFileSnapshot(shot(name));
  });

  it.each([
    [
      "offline",
      picture({}, { scene: scene({ connection: { kind: "lost", since: NOON - 12_000, retryAt: NOON + 3_400, message: "gone" } }) }),
    ],
    ["ascii", picture({}, { scene: scene({}, PLAIN) })],
    ["help", picture({ dialog: { kind: "help", scroll: 0 } })],
    ["help, further down", picture({ dialog: { kind: "help", scroll: 200 } })],
    ["palette", picture({ dialog: { kind: "palette", text: "ale", at: 1 } })],
    ["filter", picture({ dialog: { kind: "filter", text: "op:annotate" } })],
    ["detail of a failure", picture({ focus: "failures", detail: { pane: "failures", key: "timeout", scroll: 0 } })],
    ["detail of an alert", picture({ focus: "alerts", detail: { pane: "alerts", key: "alert_1", scroll: 0 } })],
    ["detail of an event", picture({ focus: "events", detail: { pane: "events", key: "1", scroll: 0 } })],
    ["workers", picture({ focus: "workers" })],
    ["streams", picture({ focus: "streams", filters: { ...firstView("", 60).filters, streams: "det" } })],
  ])("%s", async (name, of) => {
    await expect(text(of, 80, 24)).toMatchFileSnapshot(shot(name.replaceAll(/,? /g, "-")));
  });

  it("is exactly as large as the terminal, whatever that is and whatever is shown", () => {
    const shown = [
      picture(),
      picture({ dialog: { kind: "help", scroll: 0 } }),
      picture({ detail: { pane: "failures", key: "timeout", scroll: 3 } }),
      picture({}, { scene: scene({ connection: { kind: "ended", since: NOON - 3_000, message: "夜の列車 ".repeat(20) } }) }),
    ];
    for (const each of shown) {
      for (let columns = 12; columns < 180; columns += 13) {
        for (let rows = 2; rows < 60; rows += 7) {
          const lines = draw(each, { columns, rows });
          expect([columns, rows, lines.length]).toEqual([columns, rows, rows]);
          const wide = lines.map((line) => widthOf(line.map((span) => span.text).join("")));
          expect([columns, rows, ...new Set(wide)]).toEqual([columns, rows, columns]);
        }
      }
    }
  });

  it("claims no health while nobody answers", () => {
    const verdict = (connection: Picture["scene"]["model"]["connection"]): string =>
      painted(draw(picture({}, { scene: scene({ connection }) }), { columns: 120, rows: 40 })[0]!, { color: true, glyphs: UNICODE });
    expect(verdict({ kind: "live" })).toMatch(/^\u001b\[33m● \u001b\[0m\u001b\[1mWarning/);
    expect(verdict({ kind: "lost", since: NOON, retryAt: NOON, message: "gone" })).toMatch(/^\u001b\[2m● \u001b\[0m\u001b\[2mWarning/);
  });

  it("lets no name steer the terminal", () => {
    const palette = { color: true, glyphs: UNICODE };
    for (const lines of [
      draw(picture(), { columns: 120, rows: 40 }),
      draw(picture({ detail: { pane: "batches", key: "x", scroll: 0 } }), { columns: 80, rows: 24 }),
    ]) {
      for (const line of lines)
        expect(painted(line, palette).replaceAll(/\u001b\[[\d;]*m/g, "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it("lets no word of the server steer the terminal, wherever it stands", () => {
    const EVIL = "\u001b[2J\u009b1m\u202e\r\n\u0007";
    // Words of closed sets are looked up, times are parsed.
    const closed = /^(status|state|severity|unit|stage|mode|kind|timestamp|.*_at|.*At|last_seen)$/;
    const poisoned = <T>(value: T, field = ""): T => {
      if (typeof value === "string") return (closed.test(field) ? value : `${value}${EVIL}`) as T;
      if (Array.isArray(value)) return value.map((each: unknown) => poisoned(each, field)) as T;
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, poisoned(each as unknown, name)])) as T;
    };
    const { model, ...rest } = scene();
    const evil = { ...rest, model: poisoned(model) };
    const views: Partial<View>[] = [
      {},
      ...panesOf(() => ({ filtered: false, sorted: false })).flatMap((pane) => {
        const [row] = pane.rows(evil, 80);
        return [{ focus: pane.id }, ...(row === undefined ? [] : [{ focus: pane.id, detail: { pane: pane.id, key: row.key, scroll: 0 } }])];
      }),
    ];
    const palette = { color: false, glyphs: UNICODE };
    const steering = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
    const plain = plainFrame(evil.model.snapshot, { palette, filterText: "", width: 200, now: NOON });
    expect(plain.replaceAll("\n", "")).not.toMatch(steering);
    expect(painted([{ text: EVIL, tone: "plain" }], palette)).not.toMatch(steering);
    const [batch] = evil.model.snapshot.history.batches;
    const group = { count: 1, percentage: 100, code: EVIL, error: EVIL, examples: [EVIL] };
    const why = { reasons: [{ code: "paused", message: EVIL, since: null }] };
    const depth = { kind: "batch", batch: batch!, errors: [group], why } as unknown as Picture["depth"];
    for (const view of views)
      for (const size of [
        { columns: 200, rows: 60 },
        { columns: 80, rows: 24 },
        { columns: 40, rows: 15 },
      ]) {
        const lines = draw({ ...picture(view, { scene: evil }), depth: view.detail?.pane === "batches" ? depth : null }, size);
        expect(lines.flatMap((line) => line.map((each) => each.text)).join("")).not.toMatch(steering);
      }
  });

  it("says with signs what it says with colours, and uses no code without colours", () => {
    const plain = text(picture(), 120, 40);
    expect(plain).not.toContain("\u001b");
    expect(plain).toMatch(/› ● .*‖ .*✗ /s);
    expect(text(picture({}, { scene: scene({}, PLAIN) }), 120, 40)).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it("asks for the number where more than ten things are meant", () => {
    const act = (things: number) => ({
      verb: "Cancel",
      subject: `${things} batches`,
      things: Array.from({ length: things }, (_, n) => ({ key: String(n), run: async () => undefined })),
    });
    const last = (things: number): string =>
      text(picture({ dialog: { kind: "confirm", act: act(things), typed: "1" } }), 80, 24)
        .split("\n")
        .at(-1)!;
    expect(last(10)).toBe("Cancel 10 batches?   y yes  n no");
    expect(last(11)).toMatch(/^Cancel 11 batches\? +type 11 and enter: 1▏$/);
  });
});

describe("plain text", () => {
  it("has every panel", async () => {
    const palette = { color: false, glyphs: UNICODE };
    const whole = inUtc(plainFrame(snapshot(), { palette, filterText: "", width: 100, now: NOON }));
    await expect(whole).toMatchFileSnapshot(shot("once"));
    for (const title of ["Streams", "Batches", "Workers", "Failures", "Alerts", "Events", "Queue and throughput", "Performance", "System"])
      expect(whole).toMatch(new RegExp(`^${title}\\b`, "m"));
  });
});
