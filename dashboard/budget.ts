import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/**
 * After a build: writes the compressed copies the server sends, prints how much code a first visit loads, and fails above the
 * limit. A first visit is the entry, what it imports, and the page at `/`.
 */
export function budget({ initialKilobytes }: { initialKilobytes: number }): Plugin {
  let folder = "";
  const initial = new Set<string>();
  return {
    name: "budget",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    generateBundle(_options, bundle) {
      const take = (name: string): void => {
        const chunk = bundle[name];
        if (chunk?.type !== "chunk" || initial.has(name)) return;
        initial.add(name);
        for (const next of chunk.imports) take(next);
      };
      for (const [name, chunk] of Object.entries(bundle)) {
        if (chunk.type === "chunk" && (chunk.isEntry || chunk.facadeModuleId?.endsWith("/overview/page.tsx") === true)) take(name);
      }
    },
    closeBundle() {
      let kilobytes = 0;
      for (const name of readdirSync(join(folder, "assets"))) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const file = join(folder, "assets", name);
        const bytes = readFileSync(file);
        const zipped = gzipSync(bytes, { level: 9 });
        writeFileSync(`${file}.gz`, zipped);
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
        if (initial.has(`assets/${name}`)) kilobytes += zipped.length / 1024;
      }
      const figure = `${kilobytes.toFixed(1)} of ${initialKilobytes} KB gzip`;
      if (initial.size === 0) throw new Error("the budget found no entry: it looked at nothing");
      if (kilobytes > initialKilobytes) throw new Error(`initial JavaScript is too large: ${figure}`);
      console.log(`initial JavaScript: ${figure}`);
    },
  };
}
