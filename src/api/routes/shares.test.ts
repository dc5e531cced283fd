import { io } from "socket.io-client";
import { afterEach, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

let served: Served;
afterEach(() => served.close());

const json = <T>(answer: { json: unknown }): T => answer.json as T;
const share = async (id: string, payload: object = {}): Promise<{ secret: string; link: string; path: string }> => {
  const answer = await served.send({ method: "POST", url: `/api/batch/${id}/share`, payload });
  const { path, link } = json<{ path: string; link: { id: string } }>(answer);
  return { secret: path.split("#")[1] ?? "", link: link.id, path };
};
const as = (secret: string) => ({ authorization: `Bearer ${secret}` });
const get = (url: string, secret: string) => served.send({ url, headers: as(secret) });

it("shows its own batch, and refuses everything else over every route, the same for what is there and what is not", async () => {
  served = await serve();
  const own = await served.create({ operation: "echo", items: [{ id: "1" }], options: { language: "de" }, metadata: { note: "private" } });
  const other = await served.create({ operation: "echo", items: [{ id: "1" }] });
  const { secret, path } = await share(own);
  expect(path).toMatch(new RegExp(`^/shared/${own}#by_`));
  for (const rest of ["", "/viz", "/errors"]) {
    expect([rest, (await get(`/api/batch/${own}${rest}`, secret)).status]).toEqual([rest, 200]);
    for (const id of [other, "batch_1_nobodyhas"]) {
      const { status, json: body } = await get(`/api/batch/${id}${rest}`, secret);
      expect([status, body["code"]]).toEqual([403, "link_of_one_batch"]);
    }
  }
  expect((await get(`/api/batch/${own}`, secret)).json["batch"]).toMatchObject({
    id: own,
    options: {},
    filters: {},
    input: null,
    metadata: null,
  });
  const open = ["GET /api/batch/:id", "GET /api/batch/:id/viz", "GET /api/batch/:id/errors", "GET /api/batch/:id/events"];
  const guarded = served.api.routes.filter(({ method, path: at, need }) => need !== "public" && !open.includes(`${method} ${at}`));
  expect(guarded.length).toBeGreaterThan(100);
  for (const { method, path: at } of guarded) {
    const url = at.replace(":id", own).replace(/:\w+/g, "thing");
    const { statusCode } = await served.app.inject({ method, url, headers: as(secret), ...(method === "GET" ? {} : { payload: {} }) });
    expect([method, at, statusCode]).toEqual([method, at, 403]);
  }
  expect((await get("/nowhere", secret)).status).toBe(403);
});

it("opens no session, no socket, and is no key among the keys", async () => {
  served = await serve();
  const id = await served.create({ operation: "echo", items: [{ id: "1" }] });
  const { secret } = await share(id);
  const form = await served.app.inject({
    method: "POST",
    url: "/signin",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      origin: "http://localhost:80",
      host: "localhost:80",
      "sec-fetch-site": "same-origin",
    },
    payload: `key=${secret}`,
  });
  expect([form.statusCode, form.headers["set-cookie"]]).toEqual([401, undefined]);
  const url = await served.listen();
  const socket = io(url, { auth: { token: secret }, reconnection: false, transports: ["websocket"] });
  await new Promise<void>((resolve, reject) => {
    socket.on("connect_error", () => resolve());
    socket.on("connect", () => reject(new Error("it was admitted")));
  });
  socket.close();
  const { keys } = json<{ keys: unknown[] }>(await served.send({ url: "/api/keys" }));
  expect(JSON.stringify(keys)).not.toContain("shared link");
});

it("ends by its time and when it is revoked, by who may; each leaves an entry", async () => {
  const clock = new VirtualClock();
  served = await serve({ clock, settings: { BATCHYARD_WORKERS: "0" } });
  const id = await served.create({ operation: "echo", items: [{ id: "1" }] });
  const { secret, link } = await share(id, { expiresInHours: 2 });
  const viewer = await served.key("viewer");
  const stranger = await served.key("admin", "other");
  const revoke = (key: string) => served.send({ method: "DELETE", url: `/api/batch/${id}/share/${link}`, headers: as(key) });
  expect([(await revoke(viewer)).status, (await revoke(stranger)).status]).toEqual([403, 404]);
  expect((await served.send({ method: "POST", url: `/api/batch/${id}/share`, headers: as(stranger), payload: {} })).status).toBe(404);
  expect((await get(`/api/batch/${id}`, secret)).status).toBe(200);
  expect((await revoke(await served.key("operator"))).status).toBe(200);
  expect((await get(`/api/batch/${id}`, secret)).status).toBe(401);
  const second = await share(id, { expiresInHours: 2 });
  await clock.advance(2 * 3_600_000);
  expect((await get(`/api/batch/${id}`, second.secret)).status).toBe(401);
  const { entries } = json<{ entries: { action: string }[] }>(await served.send({ url: "/api/admin/audit?limit=50" }));
  const actions = entries.map(({ action }) => action);
  expect([actions.filter((action) => action === "batch.shared").length, actions.includes("batch.unshared")]).toEqual([2, true]);
  const { links } = json<{ links: { id: string; revokedAt: string | null }[] }>(await served.send({ url: `/api/batch/${id}/share` }));
  expect(links.filter(({ revokedAt }) => revokedAt !== null).map(({ id: of }) => of)).toEqual([link]);
});

it("is limited in requests a minute, and holds back nobody else", async () => {
  served = await serve();
  const id = await served.create({ operation: "echo", items: [{ id: "1" }] });
  const { secret } = await share(id);
  const statuses = new Set<number>();
  for (let n = 0; n < 305; n++) statuses.add((await get(`/api/batch/${id}`, secret)).status);
  expect(statuses).toEqual(new Set([200, 429]));
  expect((await served.send({ url: `/api/batch/${id}` })).status).toBe(200);
});

it("lets the sites that are named frame the page of a link, and no other page", async () => {
  served = await serve({ settings: { BATCHYARD_FRAME_ORIGINS: "https://portal.example,https://shop.example:8443" } });
  const id = await served.create({ operation: "echo", items: [{ id: "1" }] });
  const framing = async (url: string): Promise<unknown[]> => {
    const { headers } = await served.send({ url });
    const [, ancestors] = /;frame-ancestors ([^;]+)$/.exec(String(headers["content-security-policy"])) ?? [];
    return [url, ancestors, headers["x-frame-options"]];
  };
  const page = `/shared/${id}`;
  expect(await framing(page)).toEqual([page, "https://portal.example https://shop.example:8443", undefined]);
  for (const url of ["/", "/signin", `/batches/${id}`, `/api/batch/${id}`, "/shared", `${page}/more`])
    expect(await framing(url)).toEqual([url, "'none'", "DENY"]);
  await served.close();
  served = await serve();
  expect(await framing(page)).toEqual([page, "'none'", "DENY"]);
});
