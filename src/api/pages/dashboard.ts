import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

/** One file of the built dashboard, with its compressed copies. */
export interface Asset {
  type: string;
  plain: Buffer;
  /** By content coding, the smallest first. */
  coded: readonly { coding: "br" | "gzip"; bytes: Buffer }[];
}

/** The built dashboard: one page for every address of it, and the files it loads, by name. */
export interface Dashboard {
  page: string;
  assets: ReadonlyMap<string, Asset>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const CODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/**
 * Reads what `npm run build` made. It is small and does not change while the server runs, so that it is read once and no
 * address of a request ever becomes a path. Null where it was not built.
 */
export function readDashboard(folder: string): Dashboard | null {
  const page = join(folder, "index.html");
  if (!existsSync(page)) return null;
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(join(folder, "assets"))) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const file = join(folder, "assets", name);
    const coded = CODINGS.filter(([, ending]) => existsSync(file + ending)).map(([coding, ending]) => ({
      coding,
      bytes: readFileSync(file + ending),
    }));
    assets.set(name, { type, plain: readFileSync(file), coded });
  }
  return { page: readFileSync(page, "utf8"), assets };
}

/** The bytes to send to who accepts these codings. */
export function answerOf(asset: Asset, acceptEncoding: string): { bytes: Buffer; headers: Record<string, string> } {
  const accepted = new Set(acceptEncoding.split(",").map((part) => part.split(";")[0]!.trim().toLowerCase()));
  const coded = asset.coded.find(({ coding }) => accepted.has(coding));
  const bytes = coded?.bytes ?? asset.plain;
  return {
    bytes,
    headers: {
      "content-type": asset.type,
      // The name of a file holds a hash of what is in it: another build has other names.
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
      etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      ...(coded === undefined ? {} : { "content-encoding": coded.coding }),
    },
  };
}
