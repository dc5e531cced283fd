import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePrompt } from "./prompt-template.ts";

const item = { title: "A chair", author: { name: "Ann", age: 7 }, tags: ["red", "old"], none: null };

describe("prompt templates", () => {
  it("put fields of the item in their places", () => {
    const { render } = compilePrompt("{{title}} by {{ author.name }} ({{author.age}}), {{tags.1}}, {{tags}}, {{none}}.");
    expect(render(item)).toBe('A chair by Ann (7), old, ["red","old"], null.');
    expect(compilePrompt("{{.}}").render(item)).toBe(JSON.stringify(item));
    expect([compilePrompt("Say hello").isFixed, compilePrompt("{{title}}").isFixed]).toEqual([true, false]);
  });

  it.each(["titel", "author.mail", "tags.2", "title.length", "constructor", "__proto__", "author.name.0"])(
    "fail an item without %s",
    (path) => {
      expect(() => compilePrompt(`{{${path}}}`).render(item)).toThrow(
        `The prompt asks for the field '${path}', which the item does not have`,
      );
    },
  );

  it.each(["{{title", "{{}}", "{{a b}}", "{{a..b}}", "{{{title}}}"])("refuse %s", (text) => {
    expect(() => compilePrompt(text)).toThrow(expect.objectContaining({ code: "invalid_expression" }));
  });

  it("never look at what a value says", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(compilePrompt("<{{a}}|{{b}}>").render({ a: `${a}{{b}}`, b })).toBe(`<${a}{{b}}|${b}>`);
      }),
    );
  });
});
