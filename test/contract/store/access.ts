import { expect } from "vitest";
import type { ApiKeyRow, FileRow, SessionRow } from "../../../src/store/port.ts";
import type { Rig } from "./rig.ts";
import { section } from "./section.ts";

const key = (rig: Rig, id: string): ApiKeyRow => ({
  id,
  tenant: "acme",
  name: `name of ${id}`,
  role: "operator",
  hash: `hash of ${id}`,
  hint: "by_abc",
  createdAt: rig.now,
  expiresAt: rig.now + 100,
  revokedAt: null,
  lastUsedAt: null,
  batchId: null,
});
const session = (rig: Rig, hash: string): SessionRow => ({
  hash,
  tenant: "acme",
  keyId: "k1",
  role: "operator",
  createdAt: rig.now,
  expiresAt: rig.now + 100,
});
const file = (rig: Rig, id: string, overrides: Partial<FileRow> = {}): FileRow => ({
  id,
  tenant: "acme",
  name: `${id}.csv`,
  contentType: "text/csv",
  bytes: 12,
  sha256: "abc",
  purpose: null,
  createdAt: rig.now,
  expiresAt: null,
  ...overrides,
});

export const access = section("access and files", {
  async "keys are found by hash and listed in order"(rig) {
    await rig.store.access.insertKey(key(rig, "k1"));
    rig.now += 1;
    await rig.store.access.insertKey(key(rig, "k0"));
    expect(await rig.store.access.keyByHash("hash of k0")).toEqual(key(rig, "k0"));
    expect(await rig.store.access.keyByHash("hash of nobody")).toBeNull();
    await rig.store.access.insertKey({ ...key(rig, "k3"), role: "viewer", batchId: "batch_1" });
    expect((await rig.store.access.keyByHash("hash of k3"))?.batchId).toBe("batch_1");
    expect((await rig.store.access.keys("acme")).map((row) => row.id)).toEqual(["k1", "k0", "k3"]);
    await expect(rig.store.access.insertKey({ ...key(rig, "k2"), hash: "hash of k0" })).rejects.toBeInstanceOf(Error);
  },

  async "when a key was used last only moves on"(rig) {
    const { access } = rig.store;
    await access.insertKey(key(rig, "k1"));
    const used = async (): Promise<number | null> => (await access.keyByHash("hash of k1"))!.lastUsedAt;
    expect(await used()).toBeNull();
    await access.keyUsed("k1", rig.now + 60_000);
    await access.keyUsed("k1", rig.now);
    await access.keyUsed("nobody", rig.now);
    expect(await used()).toBe(rig.now + 60_000);
    expect((await access.keys("acme")).map(({ lastUsedAt }) => lastUsedAt)).toEqual([rig.now + 60_000]);
  },

  async "revoking a key ends its sessions and sign-ins, once"(rig) {
    const { access } = rig.store;
    await access.insertKey(key(rig, "k1"));
    await access.insertSession(session(rig, "s1"));
    await access.insertSession({ ...session(rig, "s2"), keyId: "k2" });
    await access.insertSignIn({ hash: "i1", keyId: "k1", tenant: "acme", role: "operator", expiresAt: rig.now + 100 });
    expect(await access.revokeKey("acme", "k1", rig.now)).toBe(true);
    expect(await access.revokeKey("acme", "k1", rig.now + 1)).toBe(false);
    expect((await access.keyByHash("hash of k1"))?.revokedAt).toBe(rig.now);
    expect(await access.session("s1", rig.now)).toBeNull();
    expect(await access.session("s2", rig.now)).not.toBeNull();
    expect(await access.takeSignIn("i1", rig.now)).toBeNull();
  },

  async "sessions end with their time or when they are deleted"(rig) {
    const { access } = rig.store;
    await access.insertSession(session(rig, "s1"));
    expect(await access.session("s1", rig.now + 99)).toEqual(session(rig, "s1"));
    expect(await access.session("s1", rig.now + 100)).toBeNull();
    await access.deleteSession("s1");
    expect(await access.session("s1", rig.now)).toBeNull();
  },

  async "a sign-in is taken once and in time"(rig) {
    const { access } = rig.store;
    const signIn = { keyId: "k1", tenant: "acme", role: "viewer" as const };
    await access.insertSignIn({ hash: "i1", ...signIn, expiresAt: rig.now + 100 });
    await access.insertSignIn({ hash: "i2", ...signIn, expiresAt: rig.now + 100 });
    expect(await access.takeSignIn("i1", rig.now)).toEqual(signIn);
    expect(await access.takeSignIn("i1", rig.now)).toBeNull();
    expect(await access.takeSignIn("i2", rig.now + 100)).toBeNull();
    expect(await access.takeSignIn("nobody", rig.now)).toBeNull();
  },

  async "an idempotency key is reserved once, settled, and forgotten in time"(rig) {
    const { access } = rig.store;
    const row = { tenant: "acme", key: "k", requestHash: "h", status: null, body: null, createdAt: rig.now };
    expect(await access.reserve(row, 0)).toBeNull();
    expect(await access.reserve({ ...row, requestHash: "other" }, 0)).toEqual(row);
    await access.settle("acme", "k", 202, "{}");
    await access.unreserve("acme", "k");
    expect(await access.reserve(row, rig.now)).toEqual({ ...row, status: 202, body: "{}" });
    expect(await access.reserve({ ...row, createdAt: rig.now + 10 }, rig.now + 1)).toBeNull();
    await access.unreserve("acme", "k");
    expect(await access.reserve(row, 0)).toBeNull();
  },

  async "files are kept, listed newest first in pages, and deleted"(rig) {
    const { files } = rig.store;
    for (const id of ["f1", "f2", "f3"]) await files.insert(file(rig, id));
    rig.now += 1;
    await files.insert(file(rig, "f0", { purpose: "batch" }));
    expect(await files.get("acme", "f0")).toEqual(file(rig, "f0", { purpose: "batch" }));
    const first = await files.list("acme", { before: null, limit: 2 });
    expect(first.map((row) => row.id)).toEqual(["f0", "f3"]);
    expect((await files.list("acme", { before: first[1]!, limit: 5 })).map((row) => row.id)).toEqual(["f2", "f1"]);
    expect(await files.delete("acme", "f2", rig.now)).toBe(true);
    expect(await files.delete("acme", "f2", rig.now)).toBe(false);
    expect(await files.get("acme", "f2")).toBeNull();
  },

  async "files are listed in either order and by purpose, and a removed one keeps its place for a day"(rig) {
    const { files } = rig.store;
    for (const [id, purpose] of [
      ["f1", "batch"],
      ["f2", null],
      ["f3", "batch"],
      ["f4", "vision"],
    ] as const)
      await files.insert(file(rig, id, { purpose }));
    const ids = async (page: Partial<Parameters<typeof files.list>[1]>): Promise<string[]> =>
      (await files.list("acme", { before: null, limit: 10, ...page })).map((row) => row.id);
    expect(await ids({ order: "oldest" })).toEqual(["f1", "f2", "f3", "f4"]);
    expect(await ids({ order: "oldest", before: { createdAt: rig.now, id: "f2" } })).toEqual(["f3", "f4"]);
    expect(await ids({ purposes: ["batch"] })).toEqual(["f3", "f1"]);
    expect(await ids({ purposes: ["vision", null], order: "oldest" })).toEqual(["f2", "f4"]);
    expect(await ids({ purposes: ["none"] })).toEqual([]);
    expect(await files.place("acme", "f3", rig.now)).toEqual({ createdAt: rig.now, id: "f3" });
    const createdAt = rig.now;
    expect(await files.delete("acme", "f3", rig.now)).toBe(true);
    rig.now += 86_400_000;
    expect(await files.place("acme", "f3", rig.now)).toEqual({ createdAt, id: "f3" });
    expect(await files.place("other", "f3", rig.now)).toBeNull();
    expect(await files.place("acme", "f3", rig.now + 1)).toBeNull();
    expect(await files.place("acme", "f9", rig.now)).toBeNull();
  },

  async "a file is in use while an open batch reads it"(rig) {
    const batch = await rig.create([["a"]], { batch: { input: { file_id: "f1" } } });
    expect(await rig.store.files.usedBy("acme", "f1")).toBe(batch.id);
    expect(await rig.store.files.usedBy("acme", "f2")).toBeNull();
    await rig.drain(batch);
    expect(await rig.store.files.usedBy("acme", "f1")).toBeNull();
    const staged = rig.newBatch({ input: { file_id: "f1" } });
    await rig.store.batches.stage(staged);
    expect(await rig.store.files.usedBy("acme", "f1")).toBe(staged.id);
  },

  async "files expire of all tenants"(rig) {
    await rig.store.files.insert(file(rig, "f1", { expiresAt: rig.now + 10 }));
    await rig.store.files.insert(file(rig, "f2", { expiresAt: rig.now + 10, tenant: "other" }));
    await rig.store.files.insert(file(rig, "f3"));
    expect(await rig.store.files.expired(rig.now + 9, 10)).toEqual([]);
    expect((await rig.store.files.expired(rig.now + 10, 10)).map((row) => row.id).toSorted()).toEqual(["f1", "f2"]);
    expect(await rig.store.files.expired(rig.now + 10, 1)).toHaveLength(1);
  },
});
