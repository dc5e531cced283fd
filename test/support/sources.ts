import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout the running test belongs to. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const IGNORED = new Set(["node_modules", "dist", "coverage", ".git", ".tmp", ".out"]);
/** Where a server that was started here keeps its store; a folder of sources may have the same name. */
const STORED = join(ROOT, "data");

/** Files under `folder` (relative to the checkout, with `/`) whose names end in `ending`, sorted. */
export function filesUnder(folder: string, ending: string): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    for (const name of readdirSync(path)) {
      const inner = join(path, name);
      if (IGNORED.has(name) || inner === STORED) continue;
      if (statSync(inner).isDirectory()) walk(inner);
      else if (name.endsWith(ending)) found.push(relative(ROOT, inner).replaceAll("\\", "/"));
    }
  };
  walk(join(ROOT, folder));
  return found.toSorted();
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

export interface Import {
  /** Importing file, relative to the checkout. */
  from: string;
  /** As written. */
  specifier: string;
  /** Imported file relative to the checkout; null for a package. */
  target: string | null;
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;

/** The text without comments; strings stay. Good enough for code that prettier has formatted. */
export function withoutComments(text: string): string {
  return text.replace(TOKEN, (token) => (token.startsWith("/") ? " " : token));
}

/** `import … from`, `export … from`, `import "…"`, `import("…")` and `new URL("./x.ts", import.meta.url)`. */
const FORMS = [
  /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm,
  /^\s*import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  /\bnew URL\(\s*["'](\.{1,2}\/[^"']+\.ts)["']\s*,\s*import\.meta\.url/g,
];

export function importsOf(file: string): Import[] {
  const text = withoutComments(read(file));
  return FORMS.flatMap((form) => [...text.matchAll(form)]).map((match) => {
    const specifier = match[1] ?? "";
    const target = specifier.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), specifier)).replaceAll("\\", "/") : null;
    return { from: file, specifier, target };
  });
}
