import type { ReactElement } from "react";

/** 16 × 16, one stroke of 1.5: drawn here so that nothing is loaded. */
const PATHS = {
  circle: "M8 2.75a5.25 5.25 0 1 0 0 10.5 5.25 5.25 0 0 0 0-10.5Z",
  half: "M8 2.75a5.25 5.25 0 1 0 0 10.5 5.25 5.25 0 0 0 0-10.5ZM8 5v3l2 1.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.25l7.5 4.75L5 12.75v-9.5Z",
  check: "M3 8.5l3.25 3.25L13 4.75",
  cross: "M4 4l8 8M12 4l-8 8",
  slash: "M8 2.75a5.25 5.25 0 1 0 0 10.5 5.25 5.25 0 0 0 0-10.5ZM4.3 4.3l7.4 7.4",
  clock: "M8 2.75a5.25 5.25 0 1 0 0 10.5 5.25 5.25 0 0 0 0-10.5ZM8 5.25V8l1.75 1.25",
  warning: "M8 2.5L14 13H2L8 2.5ZM8 6.5v3M8 11.4v.1",
  overview: "M2.5 13.5v-4M6.2 13.5v-8M9.8 13.5v-6M13.5 13.5v-11",
  batches: "M2.5 4h11M2.5 8h11M2.5 12h6.5",
  streams: "M2 5c2-2.2 4-2.2 6 0s4 2.2 6 0M2 10.5c2-2.2 4-2.2 6 0s4 2.2 6 0",
  flow: "M2.5 3.5h3v3h-3v-3ZM10.5 9.5h3v3h-3v-3ZM5.5 5h2.75A2.25 2.25 0 0 1 10.5 7.25V9.5",
  workers: "M2.5 2.5h4.5v4.5h-4.5v-4.5ZM9 2.5h4.5v4.5h-4.5v-4.5ZM2.5 9h4.5v4.5h-4.5v-4.5ZM9 9h4.5v4.5h-4.5v-4.5Z",
  bell: "M4 11V7a4 4 0 0 1 8 0v4l1.25 1.25H2.75L4 11ZM6.75 14.25h2.5",
  mute: "M4 11V7a4 4 0 0 1 6.6-3M12 7v4l1.25 1.25H2.75L4 11M6.75 14.25h2.5M2.5 2l11 11.5",
  history: "M3 8a5 5 0 1 0 1.6-3.7M3 2.75v2.5h2.5M8 5.5V8l1.75 1.25",
  coin: "M8 2.75a5.25 5.25 0 1 0 0 10.5 5.25 5.25 0 0 0 0-10.5ZM9.75 6.2c-.4-.6-1-.9-1.75-.9-1 0-1.75.5-1.75 1.35 0 1.9 3.6.8 3.6 2.7 0 .85-.8 1.35-1.85 1.35-.8 0-1.5-.35-1.85-.95M8 4.4v.9M8 10.7v.9",
  pulse: "M1.75 8.5h3l1.75-5 3 9 1.75-4h3",
  shield: "M8 2.25l5 1.75v3.75c0 3-2 5-5 6-3-1-5-3-5-6V4l5-1.75Z",
  sliders: "M2.5 4.5h6M11.5 4.5h2M10 3v3M2.5 11.5h2M7.5 11.5h6M6 10v3",
  book: "M3 3.25h4.25A.75.75 0 0 1 8 4v9a1 1 0 0 0-1-1H3V3.25ZM13 3.25H8.75A.75.75 0 0 0 8 4v9a1 1 0 0 1 1-1h4V3.25Z",
  sun: "M8 5.25a2.75 2.75 0 1 0 0 5.5 2.75 2.75 0 0 0 0-5.5ZM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5Z",
  screen: "M2.5 3.5h11v7.5h-11V3.5ZM6 13.5h4",
  search: "M7 2.75a4.25 4.25 0 1 0 0 8.5 4.25 4.25 0 0 0 0-8.5ZM10.2 10.2l3.3 3.3",
  freeze: "M8 2v12M2.8 5l10.4 6M13.2 5L2.8 11",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  up: "M8 12.5v-9M4.25 7L8 3.25 11.75 7",
  down: "M8 3.5v9M4.25 9L8 12.75 11.75 9",
  right: "M6 3.5L10.5 8 6 12.5",
  open: "M3.5 6L8 10.5 12.5 6",
  flat: "M3 8h10",
  copy: "M5.75 5.75h7v7h-7v-7ZM3.25 10.25v-7h7",
  plus: "M8 3v10M3 8h10",
  retry: "M12.75 8A4.75 4.75 0 1 1 11.2 4.5M11.5 2v2.75H8.75",
  download: "M8 2.5v7.5M4.75 7L8 10.25 11.25 7M3 13h10",
  out: "M6.5 3H3v10h3.5M9.5 5l3 3-3 3M12.5 8H6",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration beside a word: readers of the screen's text do not hear it. */
export function Icon({ name, className }: { name: IconName; className?: string }): ReactElement {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      width="1em"
      height="1em"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`inline-block size-[1.05em] shrink-0 ${className ?? ""}`}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
