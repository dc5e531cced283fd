import type { ReactElement } from "react";
import { Meter } from "./meter.tsx";
import type { Tone } from "./states.ts";

/** Why windows close: the rules that are meant to are calm, those of pressure are not. */
export const CLOSURE_TONES: Readonly<Record<string, Tone>> = {
  timeout: "busy",
  idle: "good",
  max_size: "warn",
  max_bytes: "warn",
  fast_path: "bad",
};

export function ClosureBar({ closures }: { closures: Readonly<Record<string, number>> }): ReactElement {
  const shares = Object.entries(closures).map(([label, value]) => ({ label, value, tone: CLOSURE_TONES[label] ?? ("idle" as const) }));
  const total = shares.reduce((sum, share) => sum + share.value, 0);
  if (total === 0) return <span className="text-soft">—</span>;
  return <Meter label="Closed by" shares={shares} total={total} />;
}
