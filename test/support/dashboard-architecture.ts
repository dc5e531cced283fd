import type { Import } from "./sources.ts";

/**
 * Who may import whom in dashboard/src: a room → the rooms (or files) it may use besides itself. Pages fetch, parts draw; a page is
 * a folder that can be deleted, so nothing but the router and another page's address knows it.
 */
const DASHBOARD_MAY_IMPORT: Record<string, readonly string[]> = {
  // Times are written in the reader's zone.
  figures: ["theme"],
  theme: [],
  parts: ["figures", "theme"],
  live: ["data"],
  data: ["figures"],
  // What several pages show of streams, live.
  streams: ["figures", "theme", "parts", "data", "live"],
  // One act on many batches: counted, begun, its progress at the foot of every page.
  bulk: ["figures", "theme", "parts", "data", "live"],
  shell: ["figures", "theme", "parts", "data", "live", "bulk"],
  pages: ["figures", "theme", "parts", "data", "live", "streams", "bulk", "shell"],
  "address.ts": [],
  "router.tsx": ["pages", "shell", "address.ts"],
  "main.tsx": ["*"],
};

/** What the dashboard knows of the product: its client, its hooks and the types of its contract. */
const DOORS = /^batchyard\/(client|react)$/;
const PACKAGES = /^(react|react-dom(\/client)?|@tanstack\/[\w-]+|uplot(\/.*)?)$/;
/** Types only: their code would be in the first kilobytes of every visit. */
const TYPES_ONLY = /^(batchyard\/contract|zod)$/;

const SRC = "dashboard/src/";
const roomOf = (file: string): string => file.slice(SRC.length).split("/")[0] ?? "";

/** Sentences about every import of the dashboard that is not allowed. `code` = the text of a file without its comments. */
export function forbiddenInDashboard(imports: readonly Import[], code: (file: string) => string): string[] {
  return imports
    .filter(({ from }) => !/\.test\.tsx?$/.test(from))
    .flatMap((each) => (each.target === null ? packageFaults(each, code) : fileFaults(each, each.target)));
}

function fileFaults({ from }: Import, target: string): string[] {
  if (!target.startsWith(SRC))
    return [`${from} imports ${target}: the dashboard knows the product by batchyard/client and its contract only`];
  const room = roomOf(from);
  const path = target.slice(SRC.length);
  if (room === "pages" && roomOf(target) === "pages")
    return pageOf(path) === pageOf(from.slice(SRC.length)) ? [] : [`${from} imports ${target}: a page uses nothing of another page`];
  const allowed = DASHBOARD_MAY_IMPORT[room];
  if (allowed === undefined) return [`${from}: '${room}' is not in the table of test/support/dashboard-architecture.ts`];
  const fits = roomOf(target) === room || allowed.some((entry) => entry === "*" || path === entry || path.startsWith(`${entry}/`));
  return fits ? [] : [`${from} imports ${target}: '${room}' may import ${["itself", ...allowed].join(", ")}`];
}

function packageFaults({ from, specifier }: Import, code: (file: string) => string): string[] {
  if (DOORS.test(specifier) || PACKAGES.test(specifier) || specifier.endsWith(".css")) return [];
  if (!TYPES_ONLY.test(specifier)) return [`${from} imports ${specifier}: not one of the dashboard's packages`];
  const typed = new RegExp(`import type [^;]*from "${specifier}"`).test(code(from));
  return typed ? [] : [`${from} imports ${specifier}: its types only, with \`import type\``];
}

function pageOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}
