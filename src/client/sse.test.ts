import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameParser } from "./sse.ts";

describe("FrameParser", () => {
  it("reads fields, comments, several data lines and retry", () => {
    const parser = new FrameParser();
    const text = ": hello\nid: e.1\nevent: batch.progress\ndata: {\ndata: }\nretry: 2000\n\ndata:plain\n\n";
    expect(parser.push(text)).toEqual([
      { event: "batch.progress", id: "e.1", data: "{\n}", retry: 2000 },
      { event: "message", id: null, data: "plain", retry: null },
    ]);
  });

  it("gives the same frames however the text is cut and its lines end", () => {
    const frame = fc.record({
      event: fc.stringMatching(/^[a-z.]{1,12}$/),
      id: fc.stringMatching(/^[a-z0-9.]{1,12}$/),
      data: fc.stringMatching(/^[ -~]{1,30}$/),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 8 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.array(fc.nat(20), { maxLength: 40 }),
        (list, end, cuts) => {
          const text =
            list.map(({ event, id, data }) => [`event: ${event}`, `id: ${id}`, `data: ${data}`, "", ""].join(end)).join("") + `:end${end}`;
          const parser = new FrameParser();
          const seen = [];
          let at = 0;
          for (const cut of cuts) {
            seen.push(...parser.push(text.slice(at, at + cut)));
            at += cut;
          }
          seen.push(...parser.push(text.slice(at)));
          expect(seen).toEqual(list.map((each) => ({ ...each, retry: null })));
        },
      ),
    );
  });
});
