import { expect, it } from "vitest";
import { changed, isLarge, patchOf, previewable, valueOf, withoutSaved } from "./draft.ts";
import type { Setting } from "./queries.ts";

const setting = (path: string, kind: Setting["kind"], value: Setting["value"]): Setting => {
  const [category = "", field = ""] = path.split(".");
  return {
    path,
    category,
    field,
    kind,
    value,
    default: value,
    variable: "",
    description: "",
    unit: null,
    range: null,
    allowed: "",
    origin: "default",
  };
};
const ALL = [
  setting("batch.window_seconds", "number", 90),
  setting("batch.default_size", "number", 50),
  setting("fast_path.object_types", "list", ["person"]),
  setting("processing.enabled", "boolean", true),
];

it("takes fields as the server takes values, and what is no number as it was typed", () => {
  expect(valueOf({ kind: "number" }, " 12.5 ")).toBe(12.5);
  expect([valueOf({ kind: "number" }, "many"), valueOf({ kind: "number" }, "")]).toEqual(["many", ""]);
  expect(valueOf({ kind: "list" }, "person, dog,")).toEqual(["person", "dog"]);
  expect(valueOf({ kind: "text" }, " * * * * * ")).toBe("* * * * *");
});

it("sends only what says something else, nested", () => {
  const draft = {
    "batch.window_seconds": "120",
    "batch.default_size": "50",
    "fast_path.object_types": "person,dog",
    "processing.enabled": false,
  };
  expect(changed(ALL, draft).map(({ path }) => path)).toEqual(["batch.window_seconds", "fast_path.object_types", "processing.enabled"]);
  expect(patchOf(ALL, draft)).toEqual({
    batch: { window_seconds: 120 },
    fast_path: { object_types: ["person", "dog"] },
    processing: { enabled: false },
  });
  expect(patchOf(ALL, {})).toEqual({});
});

it("a rule of windows that moves by more than a fifth is large", () => {
  expect(isLarge(ALL, { "batch.window_seconds": "108" })).toBe(false);
  expect(isLarge(ALL, { "batch.window_seconds": "109" })).toBe(true);
  expect(isLarge(ALL, { "batch.default_size": "500" })).toBe(false);
  expect(previewable(ALL, { "batch.window_seconds": "91", "batch.default_size": "1" }).map(({ path }) => path)).toEqual([
    "batch.window_seconds",
  ]);
});

it("what was typed while a draft was saved is still to be saved", () => {
  const sent = { "batch.window_seconds": "120", "queue.max_size": "5" };
  expect(withoutSaved({ ...sent, "queue.max_size": "50", "batch.default_size": "9" }, sent)).toEqual({
    "queue.max_size": "50",
    "batch.default_size": "9",
  });
  expect(withoutSaved(sent, sent)).toEqual({});
});
