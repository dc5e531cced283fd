import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentDisposition, safeFileName } from "./file-name.ts";

describe("safeFileName", () => {
  it.each([
    ["report.csv", "report.csv"],
    ["a\r\nSet-Cookie: x=1.csv", "aSet-Cookie: x=1.csv"],
    ["../../etc/passwd", ".._.._etc_passwd"],
    ["C:\\temp\\x.csv", "C:_temp_x.csv"],
    ["photo\u202Egpj.exe", "photogpj.exe"],
    ["", "file"],
    ["..", "file"],
    ["  ", "file"],
    ["Übersicht.xlsx", "Übersicht.xlsx"],
  ])("%j becomes %j", (name, safe) => {
    expect(safeFileName(name)).toBe(safe);
  });

  it("cuts long names and keeps their extension", () => {
    const name = safeFileName(`${"x".repeat(5000)}.jsonl`);
    expect(name).toHaveLength(255);
    expect(name.endsWith(".jsonl")).toBe(true);
  });
});

describe("contentDisposition", () => {
  it("gives the exact name beside an ASCII one", () => {
    expect(contentDisposition("a b.csv")).toBe('attachment; filename="a b.csv"');
    expect(contentDisposition('q"uote.csv')).toBe(`attachment; filename="q_uote.csv"; filename*=UTF-8''q%22uote.csv`);
    expect(contentDisposition("é(1).csv")).toBe(`attachment; filename="_(1).csv"; filename*=UTF-8''%C3%A9%281%29.csv`);
  });

  it("is always one line of visible ASCII", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (name) => {
        expect(contentDisposition(name)).toMatch(/^attachment; filename="[^"\\]{1,255}"(; filename\*=UTF-8''[A-Za-z0-9%!#$&+.^_`|~-]+)?$/);
      }),
    );
  });
});
