import type { ReactElement } from "react";
import { type Tone, TONE_FILL } from "./states.ts";

export interface Share {
  label: string;
  value: number;
  tone: Tone;
}

/** Shares of a whole as one thin bar. `total` may be more than the shares: the rest stays open. */
export function Meter({ label, shares, total }: { label: string; shares: readonly Share[]; total: number }): ReactElement {
  const shown = shares.filter((share) => share.value > 0);
  const said = shown.map((share) => `${share.label} ${share.value}`).join(", ");
  return (
    <span role="img" aria-label={`${label}: ${said === "" ? "none" : said} of ${total}`} className="bar flex!">
      {shown.map((share) => (
        <span
          key={share.label}
          className={`h-full ${TONE_FILL[share.tone]}`}
          style={{ width: `${(100 * share.value) / Math.max(1, total)}%` }}
        />
      ))}
    </span>
  );
}
