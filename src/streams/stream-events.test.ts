import { afterAll, beforeAll, expect, it } from "vitest";
import { io, type Socket } from "socket.io-client";
import { FrameParser, type Frame } from "../client/sse.ts";
import { serve, TOKEN, type Served } from "../api/server.fixture.ts";
import { analysisFrame, type AnalysedBatch } from "../events/frames/stream-frames.ts";
import type { StoredEvent } from "../model/event.ts";

let served: Served;
let socket: Socket;
let address: string;
const seen: [string, { type: string; data: Record<string, unknown> }][] = [];

beforeAll(async () => {
  served = await serve();
  address = await served.listen();
  socket = io(address, { transports: ["websocket"], reconnection: false, forceNew: true, auth: { token: TOKEN } });
  const welcome = new Promise((resolve) => socket.once("welcome", resolve));
  socket.onAny((event: string, data: { type: string; data: Record<string, unknown> }) => seen.push([event, data]));
  await welcome;
});
afterAll(async () => {
  socket.disconnect();
  await served.close();
});

it("detection.new, detection.batch with its true reason, then the analysis: in order, with the fields of the contract", async () => {
  const done = new Promise((resolve) => socket.once("batch.analysis_completed", resolve));
  const payload = [
    { camera_id: "gate", detection_id: 1, label: "person", confidence: 0.5, bbox: [1, 2, 3, 4], timestamp: "2026-01-01T00:00:00Z" },
    { camera_id: "gate", detection_id: "2", label: "car", confidence: 0.5 },
  ];
  const { json } = await served.send({ method: "POST", url: "/api/detections", payload });
  const batch_id = (json["items"] as unknown as { batchId: string }[])[0]!.batchId;
  await served.send({ method: "POST", url: "/api/streams/detections/flush" });
  await done;
  const own = seen.filter(([event]) => event.includes("."));
  for (const [event, frame] of own) expect(frame.type).toBe(event);
  expect(own.map(([event]) => event)).toEqual([
    "detection.new",
    "detection.new",
    "detection.batch",
    "batch.analysis_started",
    "batch.analysis_completed",
  ]);
  const data = own.map(([, frame]) => frame.data);
  const text = expect.any(String) as string;
  const number = expect.any(Number) as number;
  expect(data[0]).toEqual({ ...payload[0], batch_id });
  expect(data[1]).toEqual({ ...payload[1], detection_id: 2, batch_id, timestamp: text });
  expect(data[2]).toEqual({
    batch_id,
    camera_id: "gate",
    detection_ids: [1, 2],
    detection_count: 2,
    started_at: text,
    closed_at: text,
    close_reason: "manual",
  });
  expect(data[3]).toEqual({ batch_id, camera_id: "gate", detection_count: 2, queue_position: number, started_at: text });
  expect(data[4]).toEqual({
    batch_id,
    camera_id: "gate",
    event_id: number,
    risk_score: 35,
    risk_level: "medium",
    duration_ms: number,
    completed_at: text,
  });
});

it("GET /api/events?stream= and the room of a stream show what becomes of its windows, and nothing of others", async () => {
  const room: [string, Record<string, unknown>][] = [];
  await socket.emitWithAck("join-room", { room: "stream:orders" });
  socket.onAny((event: string, data: Record<string, unknown>) => room.push([event, data]));
  const response = await fetch(`${address}/api/events?stream=orders&coalesce=off`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const parser = new FrameParser();
  const frames: Frame[] = [];
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (const name of ["others", "orders"]) {
    await served.send({ method: "PUT", url: `/api/streams/${name}`, payload: { operation: "echo", windowSeconds: 60 } });
    await served.send({ method: "POST", url: `/api/streams/${name}/items`, payload: [{ id: "1" }, { id: "2", fail: "broken" }] });
    await served.send({ method: "POST", url: `/api/streams/${name}/flush` });
  }
  await served.send({ method: "POST", url: "/api/streams/orders/pause" });
  while (!frames.some(({ event }) => event === "batch.completed") || !frames.some(({ event }) => event === "stream.paused")) {
    frames.push(...parser.push((await reader.read()).value!));
  }
  await reader.cancel();
  const told = frames.slice(1).map(({ event, data }) => ({ event, data: (JSON.parse(data) as { data: Record<string, unknown> }).data }));
  expect(told.map(({ event }) => event)).toEqual(
    expect.arrayContaining(["window.opened", "item.received", "window.closed", "batch.created", "batch.started", "batch.completed"]),
  );
  expect(told.filter(({ data }) => data["stream"] !== "orders")).toEqual([]);
  await socket.emitWithAck("leave-room", { room: "stream:orders" });
  const own = room.filter(([event]) => /^(window|stream):/.test(event));
  expect(own.map(([event]) => event)).toEqual(["window:opened", "window:closed", "stream:paused"]);
  expect(own.filter(([, data]) => data["stream"] !== "orders")).toEqual([]);
});

it("a failed analysis says what kind of failure it was, and whether trying again may help", () => {
  const event: StoredEvent = {
    seq: 9,
    epoch: "e",
    tenant: "default",
    type: "batch.failed",
    entity: { kind: "batch", id: "b" },
    severity: "critical",
    ts: 0,
    data: {},
  };
  const failed = (code: string, category: string, retryable: boolean): Record<string, unknown> => {
    const batch: AnalysedBatch = {
      prefix: "detection",
      keyField: "camera_id",
      key: "gate",
      items: 1,
      queuePosition: null,
      startedAt: 0,
      completedAt: 1,
      result: null,
      failure: { error: "it broke", code, category, retryable },
    };
    return analysisFrame(event, batch).data;
  };
  expect(failed("timeout", "transient", true)).toEqual({
    batch_id: "b",
    camera_id: "gate",
    error: "it broke",
    error_type: "timeout",
    retryable: true,
    failed_at: "1970-01-01T00:00:00.000Z",
  });
  expect(failed("ECONNREFUSED", "transient", true)).toMatchObject({ error_type: "connection", retryable: true });
  expect(failed("schema_invalid", "data", false)).toMatchObject({ error_type: "validation", retryable: false });
  expect(failed("handler_error", "transient", true)).toMatchObject({ error_type: "processing" });
});
