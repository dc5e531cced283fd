import type { IconName } from "../parts/icon.tsx";

export interface PageEntry {
  to:
    | "/"
    | "/batches"
    | "/streams"
    | "/flow"
    | "/workers"
    | "/failures"
    | "/alerts"
    | "/history"
    | "/costs"
    | "/events"
    | "/audit"
    | "/settings";
  label: string;
  icon: IconName;
  /** Follows `g`. */
  key: string;
}

/** The pages of the navigation in its order, grouped by the question that leads there. */
export const PAGE_GROUPS: readonly { label: string; pages: readonly PageEntry[] }[] = [
  {
    label: "Now",
    pages: [
      { to: "/", label: "Overview", icon: "overview", key: "o" },
      { to: "/batches", label: "Batches", icon: "batches", key: "b" },
      { to: "/streams", label: "Streams", icon: "streams", key: "q" },
      { to: "/flow", label: "Flow", icon: "flow", key: "l" },
      { to: "/workers", label: "Workers", icon: "workers", key: "w" },
    ],
  },
  {
    label: "Wrong",
    pages: [
      { to: "/failures", label: "Failures", icon: "warning", key: "f" },
      { to: "/alerts", label: "Alerts", icon: "bell", key: "a" },
    ],
  },
  {
    label: "Past",
    pages: [
      { to: "/history", label: "History", icon: "history", key: "h" },
      { to: "/costs", label: "Costs", icon: "coin", key: "c" },
      { to: "/events", label: "Events", icon: "pulse", key: "e" },
      { to: "/audit", label: "Audit", icon: "shield", key: "u" },
    ],
  },
  { label: "Rules", pages: [{ to: "/settings", label: "Settings", icon: "sliders", key: "s" }] },
];

export const PAGES: readonly PageEntry[] = PAGE_GROUPS.flatMap(({ pages }) => pages);
