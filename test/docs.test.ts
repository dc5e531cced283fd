import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { GENERATED, GENERATED_FILES, withGenerated } from "../scripts/generated.ts";
import { BATCH_STATES } from "../src/model/moves.ts";
import { ERRORS } from "../src/model/errors.ts";
import { filesUnder, read, ROOT } from "./support/sources.ts";

const pages = [...readdirSync(ROOT).filter((name) => name.endsWith(".md")), ...filesUnder("docs", ".md")];
let looked = 0;

afterAll(() => console.log(`docs: ${looked} links, rows and codes in ${pages.length} pages`));

/** The text without fenced blocks, where brackets are code. */
const prose = (page: string): string => page.replace(/^```[\s\S]*?^```/gm, "");

/** The anchors GitHub gives to the headings of a page. */
function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ +(.+)$/gm)].map((match) =>
    (match[1] ?? "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("docs", () => {
  it.each(pages)("links of %s lead somewhere", (page) => {
    const broken = [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1] ?? "")
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        looked += 1;
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? page : join(dirname(page), path);
        if (!existsSync(join(ROOT, target))) return true;
        return anchor !== undefined && !anchors(read(target)).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it.each(GENERATED.map((part) => [`${part.file} (${part.name})`, part] as const))(
    "%s is what the code says; npm run docs writes it",
    (_, part) => {
      const page = read(part.file);
      expect(page).toBe(withGenerated(page, part));
    },
  );

  it.each(GENERATED_FILES.map((part) => [part.file, part] as const))(
    "%s is what the code says; npm run docs writes it",
    (_, { file, text }) => {
      expect(read(file)).toBe(text());
    },
  );

  it("errors.md has each code once, states.md each state", () => {
    const listed = [...read("docs/operate/errors.md").matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)].map((match) => match[1]);
    looked += listed.length;
    expect(listed).toEqual(Object.keys(ERRORS));
    for (const state of BATCH_STATES) expect(read("docs/learn/states.md")).toContain(state);
  });

  it("every page of docs can be reached from the table of contents", () => {
    const contents = read("docs/README.md");
    expect(
      pages.filter((page) => page.startsWith("docs/") && page !== "docs/README.md" && !contents.includes(page.slice("docs/".length))),
    ).toEqual([]);
  });
});

describe("ARCHITECTURE.md", () => {
  it("has a line for each folder of src, and for none that is not there", () => {
    const lines = [...read("ARCHITECTURE.md").matchAll(/^\| `(src\/[\w.-]+)` \|/gm)].map((match) => match[1] ?? "");
    const rooms = filesUnder("src", ".ts").map((file) => file.split("/").slice(0, 2).join("/"));
    looked += lines.length;
    expect(lines.toSorted()).toEqual([...new Set(rooms.filter((room) => !/\.(test|fixture)\.ts$/.test(room)))].toSorted());
  });
});

describe("docs/features.md", () => {
  const rows = read("docs/features.md")
    .split("\n")
    .filter((line) => /^\| *X?\d/.test(line))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  it("has every row exactly once", () => {
    const expected = [...Array.from({ length: 230 }, (_, i) => String(i + 1)), ...Array.from({ length: 24 }, (_, i) => `X${i + 1}`)];
    looked += rows.length;
    expect(rows.map(([id]) => id ?? "").toSorted()).toEqual(expected.toSorted());
  });

  it("knows two states, and a built row says where it lives and which test proves it", () => {
    const built = rows.filter(([, , status]) => status === "built");
    expect(rows.filter(([, , status]) => status !== "planned" && status !== "built")).toEqual([]);
    expect(built.filter(([, , , place, test]) => place === "" || test === "")).toEqual([]);
  });

  it("names files that exist", () => {
    const named = rows.flatMap(([id, , , place, test]) =>
      [...`${place} ${test}`.matchAll(/`([\w.-]+\/[\w./-]+)`/g)].map((match) => [id, match[1] ?? ""] as const),
    );
    looked += named.length;
    expect(named.filter(([, file]) => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});

describe("code in the pages", () => {
  const blocks = pages.flatMap((page) =>
    [...read(page).matchAll(/(?:<!-- (\S+) -->\n)?```(?:ts|typescript|js)\n([\s\S]*?)^```/gm)].map((match) => ({
      page,
      source: match[1],
      code: match[2] ?? "",
    })),
  );

  it("is a file of examples/, named in a comment above, word for word", () => {
    expect(blocks.length).toBeGreaterThan(0);
    for (const { page, source, code } of blocks) {
      looked += 1;
      expect(source, `TypeScript block of ${page} without <!-- examples/… --> above it:\n${code}`).toMatch(/^examples\/[\w./-]+\.ts$/);
      expect(code, `${source} and its copy in ${page}`).toBe(read(source ?? ""));
    }
  });
});
