import { describe, expect, it } from "vitest";
import type { Batch, HistoryPage } from "../client/index.ts";
import { behind, longer, moreAt, NO_OLDER, type Older } from "./older.ts";
import { snapshot } from "./scene.fixture.ts";

const { history } = snapshot();
const batches = (...ids: string[]): Batch[] => ids.map((id) => ({ ...history.batches[0]!, status: "completed", id }));
const page = (...ids: string[]): HistoryPage => ({ ...history, batches: batches(...ids), nextCursor: "behind the page" });
const older = (...ids: string[]): Older => ({ batches: batches(...ids), cursor: "further" });
const ids = (of: Older): string[] => of.batches.map(({ id }) => id);
const question = { filter: {}, sorting: {}, windowMinutes: 60 };

describe("the list behind its first page", () => {
  it("begins where the page ends, and goes on where it was left", () => {
    expect(moreAt(page("a"), NO_OLDER)).toBe("behind the page");
    expect(moreAt(page("a"), older("b"))).toBe("further");
    expect(moreAt(page("a"), { ...older("b"), cursor: null })).toBeNull();
    expect(ids(longer(older("c", "d"), { ...older("d", "e"), cursor: null }))).toEqual(["c", "d", "e"]);
  });

  it("keeps what fell off the page, and drops what came up into it", () => {
    expect(ids(behind(older("d", "e"), page("a", "b", "c"), page("new", "a", "b"), question))).toEqual(["c", "d", "e"]);
    expect(ids(behind(older("d", "e"), page("a", "b", "c"), page("d", "a", "b"), question))).toEqual(["c", "e"]);
    // What is missing between others does not match any more.
    expect(ids(behind(older("e"), page("a", "b", "c"), page("a", "c", "d"), question))).toEqual(["e"]);
    expect(behind(older("e"), page("a", "b"), page("x", "y"), question)).toEqual(NO_OLDER);
  });

  it("has no batch that left the state asked for", () => {
    const mixed = { ...older("d"), batches: [...batches("d"), { ...batches("e")[0]!, status: "running" as const }] };
    expect(ids(behind(mixed, page("a"), page("a"), { ...question, filter: { status: "running" } }))).toEqual(["e"]);
  });
});
