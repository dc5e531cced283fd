import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { budget } from "./budget.ts";

const source = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react(), tailwind(), budget({ initialKilobytes: 150 })],
  resolve: {
    // The package's own doors, as its sources: the dashboard is built before the package is.
    alias: {
      "batchyard/client": source("client/index.ts"),
      "batchyard/react": source("react/index.ts"),
    },
  },
  build: {
    outDir: fileURLToPath(new URL("../dist/dashboard", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    // Nothing inline: the server's Content-Security-Policy refuses it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // `npx vite dashboard` for work on the pages, beside a server that runs.
  server: { proxy: { "/api": "http://127.0.0.1:8377", "/signin": "http://127.0.0.1:8377", "/docs": "http://127.0.0.1:8377" } },
});
