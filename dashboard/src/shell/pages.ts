import type { IconName } from "../parts/icon.tsx";

/** The pages of the navigation, in its order. `key` follows `g`. */
export const PAGES: readonly { to: "/" | "/batches"; label: string; icon: IconName; key: string }[] = [
  { to: "/", label: "Overview", icon: "overview", key: "o" },
  { to: "/batches", label: "Batches", icon: "batches", key: "b" },
];
