/**
 * The servers and programs that some test folders need. One entry a need; a need counts only when one of its folders is
 * there. Each is taken from the environment when named there, else found on this machine, else installed (root on Debian).
 */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { buildDashboard, isDashboardStale } from "./dashboard.mjs";
import { root } from "./pinned.mjs";

const asRoot = process.getuid?.() === 0;

export const NEEDS = [
  {
    name: "Redis",
    folders: ["test/redis"],
    variable: "TEST_REDIS_URL",
    packages: ["redis-server"],
    find: () => onPath("redis-server") ?? onPath("valkey-server"),
    async start(program) {
      const port = await freePort();
      const data = mkdtempSync(join(tmpdir(), "batchyard-redis-"));
      const stop = await launch(
        program,
        ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", data],
        port,
        {},
        data,
      );
      return { value: `redis://127.0.0.1:${port}`, stop };
    },
  },
  {
    name: "PostgreSQL",
    folders: ["test/postgres"],
    variable: "TEST_DATABASE_URL",
    packages: ["postgresql"],
    find: () => onPath("postgres") ?? debianPostgres(),
    async start(program) {
      const port = await freePort();
      const data = mkdtempSync(join(tmpdir(), "batchyard-postgres-"));
      // PostgreSQL refuses to run as root; Debian's package brings the user for it.
      const user = asRoot ? { uid: userId("-u"), gid: userId("-g") } : {};
      if (asRoot) chownSync(data, user.uid, user.gid);
      const cluster = join(data, "cluster");
      const made = spawnSync(join(program, "..", "initdb"), ["-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], {
        ...user,
        cwd: data,
        encoding: "utf8",
      });
      if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`);
      const stop = await launch(program, ["-D", cluster, "-p", port, "-h", "127.0.0.1", "-k", data], port, { ...user, cwd: data }, data);
      return { value: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
    },
  },
  {
    name: "Chromium",
    folders: ["test/browser"],
    variable: "TEST_CHROMIUM",
    packages: ["chromium"],
    find: () => onPath("chromium") ?? onPath("chromium-browser") ?? onPath("google-chrome"),
    async start(program) {
      if (isDashboardStale()) buildDashboard({ quiet: true });
      return { value: program, stop: async () => {} };
    },
  },
  {
    name: "tmux",
    folders: ["test/terminal"],
    variable: "TEST_TMUX",
    packages: ["tmux"],
    find: () => onPath("tmux"),
    start: async (program) => ({ value: program, stop: async () => {} }),
  },
  {
    // The tests start it themselves, with what it is to scrape; promtool lies beside it.
    name: "Prometheus",
    folders: ["test/prometheus"],
    variable: "TEST_PROMETHEUS",
    packages: ["prometheus"],
    find: () => (onPath("promtool") === null ? null : onPath("prometheus")),
    start: async (program) => ({ value: program, stop: async () => {} }),
  },
];

/** The needs of a run: of all folders, or of those the given paths touch. */
export function needsOf(paths, needs = NEEDS) {
  return needs
    .map((need) => ({ ...need, folders: need.folders.filter((folder) => existsSync(join(root, folder)) && touches(paths, folder)) }))
    .filter((need) => need.folders.length > 0);
}

/**
 * Makes one need available.
 * @returns {Promise<{ value: string, stop: () => Promise<void> }>} value of its environment variable, and how to end it
 * @throws {Error} with the reason, as the end of a sentence
 */
export async function provide(need) {
  const given = process.env[need.variable];
  if (given) return { value: given, stop: async () => {} };
  if (need.find() === null) install(need);
  const program = need.find();
  if (program === null) throw new Error(`not found and not installable here; install ${need.packages.join(" ")} or set ${need.variable}`);
  return need.start(program);
}

function touches(paths, folder) {
  return paths.length === 0 || paths.some((path) => path.startsWith(folder) || folder.startsWith(path.replace(/\/$/, "")));
}

function install(need) {
  if (!asRoot || onPath("apt-get") === null) return;
  process.stderr.write(`installing ${need.packages.join(" ")} …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => spawnSync("apt-get", ["-qq", ...args], { env, encoding: "utf8" });
  apt("update");
  const result = apt("install", "-y", "--no-install-recommends", ...need.packages);
  if (result.status !== 0) process.stderr.write(`${result.stderr}\n`);
}

function onPath(program) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder !== "" && existsSync(join(folder, program))) return join(folder, program);
  }
  return null;
}

function debianPostgres() {
  const home = "/usr/lib/postgresql";
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(home, version, "bin", "postgres")).find((path) => existsSync(path)) ?? null;
}

function userId(flag) {
  return Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Starts a server, resolves when it takes connections; the answer stops it and removes its data. */
async function launch(program, args, port, options, data) {
  const child = spawn(program, args.map(String), { ...options, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => (said = (said + text).slice(-2000)));
  let over = null;
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve((over = error.message)));
    child.once("exit", (code) => resolve((over = `exit code ${code}`)));
  });
  const stop = async () => {
    child.kill("SIGINT");
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  for (const end = Date.now() + 30_000; !(await answers(port));) {
    if (over !== null || Date.now() > end) {
      await stop();
      throw new Error(`${program} did not start (${over ?? "no answer in 30 s"}): ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return stop;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
