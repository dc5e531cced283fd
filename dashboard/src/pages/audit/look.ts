import type { Look } from "../../parts/states.ts";
import type { Outcome } from "./search.ts";

export const OUTCOME_LOOK: Readonly<Record<Outcome, Look>> = {
  SUCCESS: { word: "Success", icon: "check", tone: "good" },
  FAILURE: { word: "Failure", icon: "cross", tone: "bad" },
  BLOCKED: { word: "Blocked", icon: "slash", tone: "warn" },
  RATE_LIMITED: { word: "Rate limited", icon: "clock", tone: "warn" },
  SUSPICIOUS: { word: "Suspicious", icon: "warning", tone: "bad" },
};
