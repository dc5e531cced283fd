import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { bar, ProgressLine, sentence, type Standing } from "./progress.ts";
import { createTerminal } from "./terminal.ts";

const standing: Standing = {
  label: "validate",
  total: 10_000,
  processed: 4_500,
  failed: 2,
  progress: 45,
  itemsPerSecond: 1_200,
  etaAt: 5_000,
};

function terminalOn(isTTY: boolean) {
  const err = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  const terminal = createTerminal(new PassThrough(), err, {
    color: true,
    forced: false,
    dumb: false,
    ci: false,
    columns: null,
    browser: null,
  });
  return { terminal, written: () => String(err.read() ?? "") };
}

describe("bar", () => {
  it("is full at 100 percent only", () => {
    expect(bar(0, 4)).toBe("[░░░░]");
    expect(bar(99, 4)).toBe("[███░]");
    expect(bar(100, 4)).toBe("[████]");
  });
});

describe("sentence", () => {
  it("says how far, how fast, how long and what failed", () => {
    expect(sentence(standing, 0)).toBe("validate  45 %  4,500/10,000  1,200/s  5 s left  2 failed");
  });

  it("leaves out what is not known", () => {
    expect(sentence({ ...standing, total: null, failed: 0, itemsPerSecond: null, etaAt: null }, 0)).toBe("validate  4,500 items");
  });
});

describe("ProgressLine", () => {
  it("redraws one line on a terminal, within its width", () => {
    let now = 0;
    const { terminal, written } = terminalOn(true);
    const line = new ProgressLine(terminal, () => now);
    line.update(standing);
    line.update({ ...standing, progress: 46 });
    now = 100;
    line.update({ ...standing, progress: 47 });
    const [first, second, ...others] = written().split("\r\u001b[2K");
    expect(first).toContain("45 %");
    expect(second).toContain("47 %");
    expect(others).toEqual([]);
    expect(second!.length).toBeLessThan(60);
  });

  it("writes a plain line at most every five seconds off a terminal, and the last state", () => {
    let now = 0;
    const { terminal, written } = terminalOn(false);
    const line = new ProgressLine(terminal, () => now);
    for (; now <= 11_000; now += 500) line.update({ ...standing, progress: now / 1_000 });
    line.end();
    expect(
      written()
        .split("\n")
        .map((each) => /[\d.]+ %/.exec(each)?.[0]),
    ).toEqual(["0 %", "5 %", "10 %", "11 %", undefined]);
  });
});
