import type { AttemptRow } from "../../store/attempts.ts";
import type { Spend } from "../port.ts";
import type { AnswerLine } from "./answer-lines.ts";

/** What an answered line is paid with; null for one that costs nothing. A line that lost its id is booked under its request's. */
export function spendOf(
  attempt: Pick<AttemptRow, "id" | "provider" | "model" | "endedAt">,
  line: AnswerLine,
): (Spend & { customId: string }) | null {
  const { answer } = line;
  if (answer === null || typeof answer.body !== "object" || answer.body === null) return null;
  const { usage, model } = answer.body as { usage?: unknown; model?: unknown };
  if (answer.status !== 200 && (usage === undefined || usage === null)) return null;
  const customId = line.customId ?? answer.requestId;
  if (customId === null) return null;
  return {
    attempt: attempt.id,
    customId,
    provider: attempt.provider,
    model: typeof model === "string" ? model : attempt.model,
    tier: "batch",
    usage: usage ?? null,
    at: attempt.endedAt ?? undefined,
  };
}
