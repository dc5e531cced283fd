import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { CheckoutCopy } from "./support/copy.ts";

/** A gate that passes on nothing is none: each is shown one fault, planted in a copy of the checkout, and has to name it. */
const copy = new CheckoutCopy();
/** Enough of it for the gates that take long over all of it. */
const part = new CheckoutCopy([
  "src/model",
  "scripts/check.mjs",
  "scripts/gates.mjs",
  "scripts/pinned.mjs",
  "dashboard/src/figures/number.ts",
  "dashboard/tsconfig.json",
]);
const ON_PART = ["format", "lint", "types"];

afterEach(() => {
  copy.restore();
  part.restore();
});
afterAll(() => {
  copy.remove();
  part.remove();
});

interface Fault {
  gate: string;
  what: string;
  readonly plant: (copy: CheckoutCopy) => void;
  /** What the gate has to say. */
  says: RegExp;
}

const planted = "src/model/planted.ts";

const FAULTS: readonly Fault[] = [
  { gate: "format", what: "wrong spacing", plant: (copy) => copy.plant(planted, "export const   one=1\n"), says: /planted\.ts/ },
  {
    gate: "lint",
    what: "a comparison that converts",
    plant: (copy) => copy.plant(planted, "export const same = (a: unknown) => a == 1;\n"),
    says: /eqeqeq[\s\S]*planted\.ts/,
  },
  {
    gate: "lint",
    what: "a promise nobody waits for",
    plant: (copy) => copy.plant(planted, "async function work(): Promise<void> {}\nexport function start(): void {\n  work();\n}\n"),
    says: /no-floating-promises[\s\S]*planted\.ts/,
  },
  {
    gate: "types",
    what: "a wrong type",
    plant: (copy) => copy.plant(planted, 'export const one: number = "one";\n'),
    says: /planted\.ts.*TS2322/,
  },
  {
    gate: "architecture",
    what: "an import that points back",
    plant: (copy) => copy.plant(planted, 'export type { Store } from "../store/port.ts";\n'),
    says: /planted\.ts imports src\/store\/port\.ts/,
  },
  {
    gate: "architecture",
    what: "SQL outside the store",
    plant: (copy) => copy.plant(planted, 'export const sql = "DELETE FROM batches";\n'),
    says: /planted\.ts contains SQL/,
  },
  {
    gate: "dead",
    what: "an export nobody uses",
    plant: (copy) => copy.change("src/model/money.ts", (text) => `${text}\nexport const plantedExport = 1;\n`),
    says: /plantedExport/,
  },
  {
    gate: "docs",
    what: "a page that contradicts the code",
    plant: (copy) =>
      copy.change("docs/operate/errors.md", (text) => text.replace("| `batch_not_found` | 404 |", "| `batch_not_found` | 410 |")),
    says: /FAIL .*errors\.md \(errors\) is what the code says/,
  },
  {
    gate: "docs",
    what: "a link to nowhere",
    plant: (copy) => copy.change("README.md", (text) => `${text}\n[gone](docs/planted.md)\n`),
    says: /docs\/planted\.md/,
  },
];

describe("gates", () => {
  it(`${ON_PART.join(", ")} have nothing to say about the part of the checkout that is shown to them`, async () => {
    const { code, output } = await part.run("scripts/check.mjs", ON_PART);
    expect(output).toContain("check: all gates passed");
    expect(code).toBe(0);
  });

  it.each(FAULTS)("$gate reports $what", async ({ gate, plant, says }) => {
    const shown = ON_PART.includes(gate) ? part : copy;
    plant(shown);
    const { code, output } = await shown.run("scripts/check.mjs", [gate]);
    expect(output).toMatch(says);
    expect(output).toContain(`FAILED ${gate}`);
    expect(code).toBe(1);
  });

  it("a gate that does not exist is refused", async () => {
    expect((await copy.run("scripts/check.mjs", ["fromat"])).code).toBe(2);
  });
});

describe("npm test", () => {
  const lastLine = (output: string): string => output.trimEnd().split("\n").at(-1) ?? "";
  const test = (body: string): string => `import { expect, it } from "vitest";\n${body}\n`;

  it("counts what passed and failed on its last line, and fails", async () => {
    copy.plant("test/planted/a.test.ts", test('it("a", () => {});\nit("b", () => expect(1).toBe(2));'));
    copy.plant("test/planted/b.test.ts", 'throw new Error("breaks before its first test");\n');
    const { code, output } = await copy.run("scripts/test.mjs", ["test/planted"]);
    expect(lastLine(output)).toBe("tests: 1 passed, 2 failed");
    expect(output).toMatch(/did not load: .*b\.test\.ts/);
    expect(code).toBe(1);
  });

  it("is not green when nothing ran", async () => {
    const { code, output } = await copy.run("scripts/test.mjs", ["test/nothing-of-this-name"]);
    expect(lastLine(output)).toBe("tests: 0 passed, 0 failed");
    expect(code).toBe(1);
  });

  it("names what it cannot run for want of a server, and fails", async () => {
    copy.plant("test/redis/planted.test.ts", test('it("never runs", () => {});'));
    copy.plant("test/red.test.ts", test('it("a", () => {});'));
    const nothing = { PATH: join(copy.folder, "no-programs-here"), TEST_REDIS_URL: "" };
    const { code, output } = await copy.run("scripts/test.mjs", ["test/red"], nothing);
    expect(output).toContain(
      "did not run: test/redis (needs Redis): not found and not installable here; install redis-server or set TEST_REDIS_URL",
    );
    expect(lastLine(output)).toBe("tests: 1 passed, 0 failed");
    expect(code).toBe(1);
  });

  it("--embedded-only names the folders it leaves out, and shows skipped tests", async () => {
    copy.plant("test/redis/planted.test.ts", test('it("never runs", () => expect(1).toBe(2));'));
    copy.plant("test/red.test.ts", test('it("a", () => {});\nit.skip("b", () => expect(1).toBe(1));'));
    const { code, output } = await copy.run("scripts/test.mjs", ["--embedded-only", "test/red"]);
    expect(output).toContain("did not run: test/redis (needs Redis): left out by --embedded-only");
    expect(lastLine(output)).toBe("tests: 1 passed, 0 failed, 1 skipped");
    expect(code).toBe(0);
  });
});
