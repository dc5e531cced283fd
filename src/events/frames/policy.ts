import { invalid } from "../../model/errors.ts";
import { DEFAULT_POLICY, type CoalescePolicy } from "./coalescer.ts";

/** The constants of the classic policy, as the settings have them now. */
export interface ClassicConstants {
  batchTimeoutMs: number;
  batchSize: number;
}

/** `off`, `default`, `classic`, or `500ms,10` / `1s,100`: the classic policy with limits of one's own. */
const COALESCE = /^(?:off|default|classic|(\d{1,5})(ms|s),(\d{1,5}))$/;

const LONGEST_MS = 60_000;

/** The policy that a connection asks for. Throws validation_failed. */
export function policyOf(asked: { coalesce: string | undefined; windowMs: number | undefined }, classic: ClassicConstants): CoalescePolicy {
  const { coalesce = "default", windowMs } = asked;
  if (windowMs !== undefined && coalesce !== "default")
    throw invalid([
      { path: "window", code: "invalid_value", message: "A window belongs to the default policy; leave it out or leave coalesce out" },
    ]);
  if (coalesce === "default") return { ...DEFAULT_POLICY, windowMs: windowMs ?? DEFAULT_POLICY.windowMs };
  if (coalesce === "off") return { kind: "off", windowMs: DEFAULT_POLICY.windowMs, maxEvents: 1 };
  if (coalesce === "classic") return { kind: "classic", windowMs: classic.batchTimeoutMs, maxEvents: classic.batchSize };
  const [, figure, unit, events] = COALESCE.exec(coalesce) ?? [];
  const ms = Number(figure) * (unit === "s" ? 1000 : 1);
  const maxEvents = Number(events);
  if (!(ms >= 1 && ms <= LONGEST_MS && maxEvents >= 1 && maxEvents <= 10_000)) {
    throw invalid([
      { path: "coalesce", code: "out_of_range", message: `From 1ms to ${LONGEST_MS / 1000}s and from 1 to 10000 events, such as 500ms,10` },
    ]);
  }
  return { kind: "classic", windowMs: ms, maxEvents };
}
