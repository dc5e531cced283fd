import { expect, it } from "vitest";
import { loadConfig } from "../config.ts";
import { describedSettings } from "./described.ts";
import { DESCRIPTIONS } from "./descriptions.ts";
import { readPatch } from "./patch.ts";

const config = loadConfig(
  { BATCH_MAX_RETRIES: "5" },
  { QUEUE_MAX_SIZE: "500" },
  { BATCH_WINDOW_SECONDS: "120", SSE_BATCH_TIMEOUT_SECONDS: "1.5" },
);
const all = describedSettings(config);
const at = (path: string) => all.find((setting) => setting.path === path)!;

it("every setting has a description, and every description a setting", () => {
  expect(all.length).toBeGreaterThan(30);
  expect(all.map(({ path }) => path).sort()).toEqual(Object.keys(DESCRIPTIONS).sort());
});

it("says where a value comes from, its default and its unit", () => {
  expect(at("batch.window_seconds")).toMatchObject({
    value: 120,
    default: 90,
    origin: "runtime",
    unit: "s",
    kind: "number",
    variable: "BATCH_WINDOW_SECONDS",
  });
  expect(at("batch.max_retries")).toMatchObject({ value: 5, default: 3, origin: "env" });
  expect(at("queue.max_size")).toMatchObject({ value: 500, origin: "flag" });
  expect(at("events.window_ms")).toMatchObject({ value: 1_500, default: 500, range: { min: 10, max: 60_000, whole: true } });
  expect([at("fast_path.object_types").kind, at("processing.enabled").kind, at("processing.create_interval").kind]).toEqual([
    "list",
    "boolean",
    "text",
  ]);
});

it("names a range that a change is held to: its ends are taken, what lies beyond is not", () => {
  const faults = (path: string, value: number): number => {
    const [category = "", field = ""] = path.split(".");
    return readPatch({ [category]: { [field]: value } }).faults.length;
  };
  const numbers = all.filter(({ range }) => range !== null);
  expect(numbers.length).toBeGreaterThan(20);
  for (const { path, range } of numbers) {
    expect([path, faults(path, range!.min), faults(path, range!.max)]).toEqual([path, 0, 0]);
    expect([path, faults(path, range!.max + 1), faults(path, range!.min - 1)]).toEqual([path, 1, 1]);
    expect([path, faults(path, range!.min + 0.0005)]).toEqual([path, range!.whole ? 1 : 0]);
  }
});
