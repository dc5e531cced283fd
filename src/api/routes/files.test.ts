import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Served } from "../server.fixture.ts";

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.close());

describe("files and collections", () => {
  it("takes raw and multipart files and gives them back as attachments", async () => {
    const raw = await served.send({
      method: "POST",
      url: "/api/files?filename=a%0d%0a%22b.csv",
      headers: { "content-type": "text/csv" },
      payload: "id,name\n1,x\n",
    });
    expect(raw.status).toBe(201);
    const { file } = raw.json as unknown as { file: { id: string; bytes: number } };
    expect(file.bytes).toBe(12);
    const content = await served.send({ method: "GET", url: `/api/files/${file.id}/content` });
    expect(content.text).toBe("id,name\n1,x\n");
    expect(content.headers["content-disposition"]).toMatch(/^attachment; filename="[^"\r\n]+"; filename\*=UTF-8''/);
    expect(content.headers["x-content-type-options"]).toBe("nosniff");
    const boundary = "----b";
    const body = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="m.txt"\r\ncontent-type: text/plain\r\n\r\nhello\r\n--${boundary}--\r\n`;
    const multi = await served.send({
      method: "POST",
      url: "/api/files",
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      payload: body,
    });
    expect(multi.json).toMatchObject({ success: true, file: { name: "m.txt", bytes: 5 } });
    const list = await served.send({ method: "GET", url: "/api/files?limit=1" });
    const page = list.json as unknown as { files: unknown[]; nextCursor: string };
    expect(page.files).toHaveLength(1);
    expect((await served.send({ method: "GET", url: `/api/files?limit=1&cursor=${page.nextCursor}` })).json).toMatchObject({
      files: [{ id: file.id }],
      nextCursor: null,
    });
    expect((await served.send({ method: "GET", url: `/api/collections/c?cursor=${page.nextCursor}` })).json).toMatchObject({
      code: "invalid_cursor",
    });
    expect(
      (await served.send({ method: "DELETE", url: `/api/files/${file.id}`, headers: { "content-type": "application/json" } })).json,
    ).toEqual({ success: true, deleted: true });
    expect((await served.send({ method: "GET", url: `/api/files/${file.id}` })).status).toBe(404);
  });

  it("keeps records by key", async () => {
    for (const n of [1, 2, 3])
      await served.send({ method: "PUT", url: `/api/collections/toys/k${n}`, payload: { n, kind: n === 2 ? "b" : "a" } });
    expect((await served.send({ method: "PUT", url: "/api/collections/toys/k1", payload: { n: 1, kind: "a" } })).json).toMatchObject({
      action: "updated",
    });
    const page = await served.send({ method: "GET", url: `/api/collections/toys?filters=${encodeURIComponent('{"kind":"a"}')}&limit=1` });
    const { nextCursor } = page.json as unknown as { nextCursor: string };
    expect(page.json).toMatchObject({ records: [{ key: "k1", data: { n: 1 } }] });
    expect(
      (
        await served.send({
          method: "GET",
          url: `/api/collections/toys?filters=${encodeURIComponent('{"kind":"a"}')}&cursor=${nextCursor}`,
        })
      ).json,
    ).toMatchObject({ records: [{ key: "k3" }], nextCursor: null });
    await served.send({ method: "PUT", url: "/api/collections/toys/k2", payload: { n: 2, kind: "b", tags: ["old", "red"] } });
    const keysOf = async (filters: object): Promise<unknown> => {
      const { json } = await served.send({
        method: "GET",
        url: `/api/collections/toys?filters=${encodeURIComponent(JSON.stringify(filters))}`,
      });
      return (json as { records?: { key: string }[] }).records?.map(({ key }) => key) ?? json;
    };
    // The same filters as those of a batch's input.collection.
    expect(await keysOf({ tags: ["red"] })).toEqual(["k2"]);
    expect(await keysOf({ kind: "a", createdAfter: "2000-01-01T00:00:00Z" })).toEqual(["k1", "k3"]);
    expect(await keysOf({ createdBefore: "2000-01-01" })).toEqual([]);
    expect(await keysOf({ createdBefore: "soon", tags: [1] })).toMatchObject({
      details: { errors: [{ path: "filters.createdBefore" }, { path: "filters.tags" }] },
    });
    expect((await served.send({ method: "GET", url: "/api/collections" })).json).toMatchObject({
      collections: [{ name: "toys", records: 3 }],
    });
    expect((await served.send({ method: "DELETE", url: "/api/collections/toys/k1" })).status).toBe(200);
    expect((await served.send({ method: "GET", url: "/api/collections/toys/k1" })).json).toMatchObject({ code: "record_not_found" });
  });
});
