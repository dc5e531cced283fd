import type { BatchStatus } from "batchyard/client";
import type { IconName } from "./icon.tsx";

/** What a colour means. Never alone: each comes with an icon and a word. */
export type Tone = "good" | "busy" | "warn" | "bad" | "idle";

export const TONE_TEXT: Readonly<Record<Tone, string>> = {
  good: "text-good",
  busy: "text-busy",
  warn: "text-warn",
  bad: "text-bad",
  idle: "text-idle",
};

export const TONE_FILL: Readonly<Record<Tone, string>> = {
  good: "bg-good",
  busy: "bg-busy",
  warn: "bg-warn",
  bad: "bg-bad",
  idle: "bg-idle",
};

export interface Look {
  word: string;
  icon: IconName;
  tone: Tone;
}

export const BATCH_LOOK: Readonly<Record<BatchStatus, Look>> = {
  pending: { word: "Pending", icon: "circle", tone: "idle" },
  running: { word: "Running", icon: "half", tone: "busy" },
  paused: { word: "Paused", icon: "pause", tone: "warn" },
  completed: { word: "Completed", icon: "check", tone: "good" },
  failed: { word: "Failed", icon: "cross", tone: "bad" },
  cancelled: { word: "Cancelled", icon: "slash", tone: "idle" },
  expired: { word: "Expired", icon: "clock", tone: "warn" },
};

export const HEALTH_LOOK: Readonly<Record<"healthy" | "warning" | "critical", Look>> = {
  healthy: { word: "Healthy", icon: "check", tone: "good" },
  warning: { word: "Warning", icon: "warning", tone: "warn" },
  critical: { word: "Critical", icon: "cross", tone: "bad" },
};

export const SEVERITY_LOOK: Readonly<Record<"info" | "warning" | "critical", Look>> = {
  info: { word: "Info", icon: "circle", tone: "idle" },
  warning: { word: "Warning", icon: "warning", tone: "warn" },
  critical: { word: "Critical", icon: "cross", tone: "bad" },
};
