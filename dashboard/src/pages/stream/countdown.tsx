import type { ReactElement } from "react";
import { duration } from "../../figures/duration.ts";
import { useSecondsSince } from "../../live/second.ts";

/** "in 12 s": `seconds` counted from `at` (Unix milliseconds of this machine), second by second. */
export function Countdown({ seconds, at }: { seconds: number; at: number }): ReactElement {
  const left = seconds - useSecondsSince(at);
  if (left <= 0) return <span className="text-warn">now</span>;
  return <span className="figure">in {duration(Math.ceil(left) * 1000).replace(".0 s", " s")}</span>;
}
