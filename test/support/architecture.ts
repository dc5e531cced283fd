import { dirname } from "node:path";
import type { Import } from "./sources.ts";

/** What a yard is made of: its types name it, and main puts it together. */
const OF_A_YARD = [
  "model",
  "store",
  "settings",
  "events",
  "files",
  "operations",
  "providers",
  "executors",
  "batches",
  "streams",
  "requests",
  "openai",
  "engine",
  "monitor",
  "config.ts",
];

/**
 * Who may import whom: a folder of src (or a file directly in it) → the folders it may use besides itself. What is not
 * listed is not allowed. Arrows never point back: model ← store ← intake, events ← formats, files ← operations ← executors ←
 * batches ← streams, openai, engine ← main ← api ← cli.
 */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  "setting-kinds.ts": [],
  "config.ts": ["model", "setting-kinds.ts"],
  "log.ts": [],
  tracing: ["model", "store", "events"],
  store: ["model"],
  settings: ["model", "config.ts"],
  events: ["model", "store"],
  intake: ["model", "store"],
  formats: ["model", "intake"],
  files: ["model", "store"],
  operations: ["model", "store", "intake", "formats", "files"],
  money: ["model"],
  providers: ["model", "money"],
  executors: ["model", "store", "operations", "providers", "money"],
  streams: ["model", "store", "intake", "batches"],
  batches: ["model", "store", "events", "intake", "formats", "files", "operations", "executors", "providers", "money", "tracing/port.ts"],
  requests: ["model", "store", "events", "intake", "batches", "streams", "openai"],
  openai: ["model", "store", "events", "intake", "files", "money", "providers", "operations", "executors", "batches"],
  engine: ["model", "store", "events", "operations", "batches", "executors", "money", "tracing/port.ts"],
  api: [
    "model",
    "store",
    "events",
    "settings",
    "formats",
    "files",
    "intake",
    "operations",
    "batches",
    "streams",
    "executors",
    "engine",
    "monitor",
    "openai",
    "requests",
    "tracing/port.ts",
    "config.ts",
  ],
  react: ["client/index.ts"],
  client: ["model", "api/contract"],
  sample: ["model", "batches"],
  terminal: ["client", "config.ts"],
  tui: ["model", "client", "api/contract", "terminal"],
  monitor: ["model", "store"],
  library: ["model", "intake", "batches", "streams", "api/contract", "api/wire", "main.ts", "yard.ts"],
  testing: ["model", "operations", "api/contract", "library", "main.ts", "yard.ts", "index.ts", "config.ts"],
  cli: [
    "model",
    "formats",
    "client",
    "terminal",
    "tui",
    "api/contract",
    "batches",
    "operations",
    "sample",
    "main.ts",
    "server.ts",
    "index.ts",
    "config.ts",
  ],
  "index.ts": [
    "model",
    "store",
    "events",
    "operations",
    "providers",
    "batches",
    "streams",
    "openai",
    "monitor/notify",
    "api/contract",
    "library",
    "main.ts",
    "config.ts",
  ],
  "notices.ts": ["model", "store", "settings", "monitor", "openai", "requests", "config.ts", "yard.ts"],
  "upstream.ts": ["model", "store", "money", "providers", "executors", "batches", "engine"],
  "yard.ts": [...OF_A_YARD, "tracing/port.ts"],
  "main.ts": [...OF_A_YARD, "tracing", "log.ts", "version.ts", "upstream.ts", "notices.ts", "yard.ts"],
  "server.ts": ["model", "main.ts", "yard.ts", "version.ts", "api", "monitor", "store"],
  "version.ts": [],
};

/** Ports and what implements them: only main.ts names an adapter, everyone else the port. */
const ADAPTERS = [/^src\/store\/(?!port\.ts$|contract)[^/]+\//, /^src\/engine\/dispatcher\/(?!port\.ts$)/, /^src\/tracing\/otlp\//];

/** Packages that belong to one folder. */
const PACKAGE_HOMES: readonly { package: RegExp; home: RegExp; reason: string }[] = [
  { package: /^(node:sqlite|kysely|pg)$/, home: /^src\/store\//, reason: "only src/store talks to a database" },
  { package: /^(fastify|@fastify\/.*)$/, home: /^src\/api\//, reason: "only src/api speaks HTTP to clients" },
  { package: /^(@pydantic\/genai-prices|gpt-tokenizer(\/.*)?)$/, home: /^src\/money\//, reason: "only src/money knows prices and tokens" },
  { package: /^prom-client$/, home: /^src\/monitor\//, reason: "only src/monitor writes metrics" },
  { package: /^@opentelemetry\//, home: /^src\/tracing\/otlp\//, reason: "only src/tracing/otlp records traces" },
  { package: /^nodemailer$/, home: /^src\/monitor\/notify\//, reason: "mail goes out through a channel" },
  { package: /^commander$/, home: /^src\/cli\//, reason: "only src/cli reads a command line" },
  { package: /^openai$/, home: /^src\/(providers|executors)\//, reason: "providers are reached through src/providers" },
];

/** A statement, not a word in a sentence: keywords in the order only SQL has. */
const SQL =
  /\b(SELECT\s[\s\S]{1,200}?\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|UNIQUE)\b|PRAGMA\s+\w+)/;

/** Tests and what only tests use may import anything; nothing else may import them. */
export const isTest = (file: string): boolean => /\.(test|fixture)\.ts$/.test(file);

/** `src/store/sqlite/x.ts` → `store`; `src/main.ts` → `main.ts`. */
export function roomOf(file: string): string {
  return file.split("/")[1] ?? "";
}

/** Sentences about every import that is not allowed. Tests beside their file may use anything. */
export function forbiddenImports(imports: readonly Import[]): string[] {
  return imports
    .filter((each) => !isTest(each.from))
    .flatMap((each) => (each.target === null ? packageFaults(each) : fileFaults(each, each.target)));
}

function fileFaults({ from }: Import, target: string): string[] {
  const room = roomOf(from);
  const faults: string[] = [];
  if (isTest(target)) faults.push(`${from} imports ${target}: only tests use it`);
  if (!target.startsWith("src/")) faults.push(`${from} imports ${target}: sources import sources only`);
  else if (!mayImport(room, target)) {
    const allowed = MAY_IMPORT[room];
    faults.push(
      allowed === undefined
        ? `${from}: '${room}' is not in the may-import table of test/support/architecture.ts`
        : `${from} imports ${target}: '${room}' may import ${["itself", ...allowed].join(", ")}`,
    );
  }
  const adapter = ADAPTERS.find((pattern) => pattern.test(target));
  const own = target.split("/").slice(0, -1).join("/");
  if (adapter !== undefined && !from.startsWith(`${own}/`) && from !== "src/main.ts" && !adapter.test(from)) {
    faults.push(`${from} imports the adapter ${target}: only src/main.ts names adapters, use the port`);
  }
  return faults;
}

function mayImport(room: string, target: string): boolean {
  const allowed = MAY_IMPORT[room] ?? [];
  const path = target.slice("src/".length);
  return roomOf(target) === room || allowed.some((entry) => path === entry || path.startsWith(`${entry}/`));
}

function packageFaults({ from, specifier }: Import): string[] {
  return PACKAGE_HOMES.filter((rule) => rule.package.test(specifier) && !rule.home.test(from)).map(
    (rule) => `${from} imports ${specifier}: ${rule.reason}`,
  );
}

/** Sentences about what a file's text must not contain. */
export function forbiddenText(file: string, code: string): string[] {
  if (isTest(file)) return [];
  const faults: string[] = [];
  if (file !== "src/config.ts" && /\bprocess\s*\.\s*env\b|\benv\b[^;\n]*\bfrom "node:process"/.test(code)) {
    faults.push(`${file} reads process.env: only src/config.ts does`);
  }
  const sql = SQL.exec(code);
  if (sql !== null && !file.startsWith("src/store/"))
    faults.push(`${file} contains SQL ('${sql[0].slice(0, 40).trim()}'): only src/store does`);
  if (/(^|\/)(utils?|commons?|helpers?|misc)(\.|\/)/.test(file)) faults.push(`${file}: name the file by its noun`);
  return faults;
}

/** The same arrows between the folders the files are in. */
export function foldersOf(imports: readonly Import[]): Import[] {
  return imports.flatMap(({ from, target, specifier }) =>
    target === null || dirname(from) === dirname(target) ? [] : [{ from: dirname(from), target: dirname(target), specifier }],
  );
}

/** Import cycles among files, each as `a → b → a`; one for every file that closes one. */
export function cycles(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, target } of imports) if (target !== null) next.set(from, [...(next.get(from) ?? []), target]);
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(" → "));
    if (at >= 0 || finished.has(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return found;
}
