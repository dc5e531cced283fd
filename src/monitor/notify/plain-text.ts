import type { Notice } from "./port.ts";

/** What a person reads: the subject, the lines of a digest, or the fields that say more. */
export function linesOf(notice: Notice): string[] {
  const body = JSON.parse(notice.body) as Record<string, unknown>;
  const lines = body["lines"];
  if (Array.isArray(lines)) return [notice.subject, ...lines.map((line) => `• ${oneLine(String(line))}`)].map(oneLine);
  const fields = Object.entries(body).filter(
    ([name, value]) => name !== "message" && (typeof value === "string" || typeof value === "number"),
  );
  return [
    oneLine(notice.subject),
    ...fields.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${oneLine(String(value))}`),
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
