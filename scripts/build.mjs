/** `npm run build`: the sources as JavaScript with declarations in dist/, nothing left over from an earlier build. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { handOver, installMissing, root } from "./pinned.mjs";

installMissing();
rmSync(join(root, "dist"), { recursive: true, force: true });
handOver([join(root, "node_modules", "typescript", "bin", "tsc"), "-p", join(root, "tsconfig.build.json")]);
