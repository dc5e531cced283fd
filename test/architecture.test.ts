import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cycles, foldersOf, forbiddenImports, forbiddenText, isTest, MAY_IMPORT, roomOf } from "./support/architecture.ts";
import { forbiddenInDashboard } from "./support/dashboard-architecture.ts";
import { filesUnder, importsOf, read, ROOT, withoutComments } from "./support/sources.ts";

const files = filesUnder("src", ".ts");
const imports = files.flatMap((file) => importsOf(file));

describe("architecture", () => {
  it("has looked at the whole of src", () => {
    // Floors, so that a scanner that reads nothing does not pass; far below what is there.
    expect(files.length).toBeGreaterThan(20);
    expect(imports.length).toBeGreaterThan(50);
    // Each line that starts a static import was understood: a form the scanner does not know must not slip through.
    const missed = files.filter((file) => {
      const lines = withoutComments(read(file)).match(/^import\b(?!\()/gm)?.length ?? 0;
      return importsOf(file).length < lines;
    });
    expect(missed).toEqual([]);
    console.log(`architecture: ${files.length} files, ${imports.length} imports`);
  });

  it("every relative import is a file, written with its extension", () => {
    expect(
      imports.filter(({ target }) => target !== null && !existsSync(join(ROOT, target))).map((each) => `${each.from}: ${each.specifier}`),
    ).toEqual([]);
  });

  it("every folder of src is in the may-import table", () => {
    expect([...new Set(files.filter((file) => !isTest(file)).map(roomOf))].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  it("no import points back, names an adapter, or uses a package outside its home", () => {
    expect(forbiddenImports(imports)).toEqual([]);
  });

  it("only config reads the environment, only the store contains SQL, files are named by their noun", () => {
    expect(files.flatMap((file) => forbiddenText(file, withoutComments(read(file))))).toEqual([]);
  });

  it("has no import cycles", () => {
    expect(cycles(imports)).toEqual([]);
  });

  it("the rooms of the SQLite store stand on one another", () => {
    const between = foldersOf(imports.filter(({ from }) => from.startsWith("src/store/sqlite/") && !isTest(from)));
    expect(between.length).toBeGreaterThan(30);
    expect(cycles(between)).toEqual([]);
  });
});

describe("architecture of the dashboard", () => {
  const pages = [...filesUnder("dashboard/src", ".ts"), ...filesUnder("dashboard/src", ".tsx")];

  it("knows the product by its client and its contract, and no page another page", () => {
    const found = pages.flatMap((file) => importsOf(file));
    expect(pages.length).toBeGreaterThan(50);
    expect(pages).toContain("dashboard/src/data/client.ts");
    expect(found.length).toBeGreaterThan(200);
    expect(forbiddenInDashboard(found, (file) => withoutComments(read(file)))).toEqual([]);
  });

  it("the rules see an import of the server, of another page, from below, and code of the contract", () => {
    const fault = (from: string, target: string | null, specifier = "", text = "") =>
      forbiddenInDashboard([{ from: `dashboard/src/${from}`, target, specifier }], () => text);
    expect(fault("pages/batch/page.tsx", "src/model/batch.ts")).toHaveLength(1);
    expect(fault("pages/batch/page.tsx", "dashboard/src/pages/batches/bulk.ts")).toHaveLength(1);
    expect(fault("pages/batch/page.tsx", "dashboard/src/pages/batch/state.ts")).toEqual([]);
    expect(fault("parts/time.tsx", "dashboard/src/data/queries.ts")).toHaveLength(1);
    expect(fault("data/wire.ts", null, "batchyard/contract", 'import { batch } from "batchyard/contract"')).toHaveLength(1);
    expect(fault("data/wire.ts", null, "batchyard/contract", 'import type { batch } from "batchyard/contract"')).toEqual([]);
    expect(fault("data/wire.ts", null, "lodash")).toHaveLength(1);
  });
});

describe("the rules themselves", () => {
  const edge = (from: string, target: string | null, specifier = "") => ({ from, target, specifier });

  it("see an arrow that points back", () => {
    expect(forbiddenImports([edge("src/model/a.ts", "src/store/port.ts")])).toHaveLength(1);
    expect(forbiddenImports([edge("src/store/a.ts", "src/model/a.ts")])).toEqual([]);
  });

  it("see an adapter named outside main", () => {
    expect(forbiddenImports([edge("src/api/server.ts", "src/store/sqlite/store.ts")])).toHaveLength(1);
    expect(forbiddenImports([edge("src/main.ts", "src/store/sqlite/store.ts")])).toEqual([]);
    expect(forbiddenImports([edge("src/store/sqlite/a.ts", "src/store/sqlite/b.ts")])).toEqual([]);
  });

  it("see packages, the environment, SQL and file names", () => {
    expect(forbiddenImports([edge("src/api/a.ts", null, "node:sqlite")])).toHaveLength(1);
    expect(forbiddenText("src/api/a.ts", "const x = process.env.PORT")).toHaveLength(1);
    expect(forbiddenText("src/api/a.ts", 'db.all("SELECT id FROM batches WHERE 1")')).toHaveLength(1);
    expect(forbiddenText("src/api/a.ts", '"Select a batch from the list"')).toEqual([]);
    expect(forbiddenText("src/api/utils.ts", "")).toHaveLength(1);
  });

  it("see a cycle, and none in a diamond", () => {
    expect(cycles([edge("a", "b"), edge("b", "c"), edge("c", "a")])).toHaveLength(1);
    expect(cycles([edge("a", "b"), edge("a", "c"), edge("b", "d"), edge("c", "d")])).toEqual([]);
  });

  it("see two folders that need each other, though no two files do", () => {
    expect(cycles(foldersOf([edge("a/1.ts", "b/1.ts"), edge("b/2.ts", "a/2.ts"), edge("a/1.ts", "a/2.ts")]))).toHaveLength(1);
    expect(cycles(foldersOf([edge("a/1.ts", "b/1.ts"), edge("a/1.ts", "a/2.ts")]))).toEqual([]);
  });
});
