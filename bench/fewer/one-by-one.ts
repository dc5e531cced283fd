/** What bench/fewer.ts compares with: a row an item, a message an event, a render a message. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";

/** Stores each item and then each result by itself, each durable when it is done as far as the same setting of the database says. */
export function insertOneByOne(
  file: string,
  items: readonly Record<string, unknown>[],
): { inserts: number; commits: number; seconds: number } {
  const db = new DatabaseSync(file);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE items (id TEXT PRIMARY KEY, body TEXT); CREATE TABLE results (id TEXT PRIMARY KEY, body TEXT)",
  );
  const add = db.prepare("INSERT INTO items (id, body) VALUES (?, ?)");
  const settle = db.prepare("INSERT INTO results (id, body) VALUES (?, ?)");
  const started = performance.now();
  for (const item of items) add.run(String(item["id"]), JSON.stringify(item));
  for (const item of items) settle.run(String(item["id"]), JSON.stringify({ success: true, result: item }));
  const seconds = (performance.now() - started) / 1000;
  db.close();
  return { inserts: 2 * items.length, commits: 2 * items.length, seconds };
}

// What the dashboard is made with.
const near = createRequire(new URL("../../dashboard/package.json", import.meta.url));
const MODULES = {
  react: "react/cjs/react.production.js",
  scheduler: "scheduler/cjs/scheduler.production.js",
  "react-dom": "react-dom/cjs/react-dom.production.js",
  client: "react-dom/cjs/react-dom-client.production.js",
};

/** A list of batches that sets its state at each message, by the same React. */
function page(): string {
  const sources = Object.entries(MODULES).map(([name, path]) => {
    const [pack = "", ...rest] = path.split("/");
    const file = near.resolve(`${pack}/package.json`).replace(/package\.json$/, rest.join("/"));
    return `${JSON.stringify(name)}: function (exports, require, module) {${readFileSync(file, "utf8")}\n}`;
  });
  return `<!doctype html><title>one by one</title><main><h1>Batches</h1><div id="root"></div></main><script>
const sources = {${sources.join(",\n")}}, loaded = {}, process = { env: { NODE_ENV: "production" } };
const load = (name) => { if (!loaded[name]) { const module = { exports: (loaded[name] = {}) }; sources[name](module.exports, load, module); loaded[name] = module.exports; } return loaded[name]; };
const React = load("react"), { createElement: h } = React;
function List() {
  const [batches, set] = React.useState({});
  React.useEffect(() => {
    const source = new EventSource("/events");
    source.onmessage = ({ data }) => { const event = JSON.parse(data); set((known) => ({ ...known, [event.batch_id]: event })); };
    return () => source.close();
  }, []);
  return h("table", null, h("tbody", null, Object.values(batches).map((b) => h("tr", { key: b.batch_id }, h("td", null, b.batch_id), h("td", null, b.status), h("td", null, b.processed)))));
}
load("client").createRoot(document.getElementById("root")).render(h(List));
</script>`;
}

/** Serves that page and, to each reader, so many messages a second, one an event. */
export async function serveOneByOne(
  rate: number,
  batches: readonly string[],
): Promise<{ url: string; counted(): { messages: number; bytes: number }; close(): void }> {
  const html = page();
  const told = { messages: 0, bytes: 0 };
  const server = createServer((request, response) => {
    if (request.url !== "/events") return void response.setHeader("content-type", "text/html").end(html);
    response.setHeader("content-type", "text/event-stream");
    const started = performance.now();
    let made = 0;
    const timer = setInterval(() => {
      for (const due = Math.floor(((performance.now() - started) / 1000) * rate); made < due; made++) {
        const processed = Math.floor(made / batches.length);
        const counts = { total: 100_000, processed, succeeded: processed, failed: 0, cancelled: 0, expired: 0 };
        const event = {
          batch_id: batches[made % batches.length],
          operation: "operation-0",
          status: "running",
          epoch: 1,
          progress: 0,
          ...counts,
        };
        const frame = `data: ${JSON.stringify(event)}\n\n`;
        told.messages += 1;
        told.bytes += frame.length;
        response.write(frame);
      }
    }, 10);
    response.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, counted: () => ({ ...told }), close };
}
