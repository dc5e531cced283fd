/** The signs that are drawn with. */
export interface Glyphs {
  readonly bar: { full: string; empty: string };
  readonly spark: readonly string[];
  readonly rule: string;
  /** The rule of the pane that has the keys. */
  readonly focus: string;
  readonly wall: string;
  readonly caret: string;
  readonly divider: string;
  readonly cursor: string;
  readonly mark: string;
  readonly dot: string;
  readonly ring: string;
  readonly up: string;
  readonly down: string;
  readonly more: string;
  readonly status: Readonly<Record<"pending" | "running" | "paused" | "completed" | "failed" | "cancelled" | "expired", string>>;
}

export const UNICODE: Glyphs = {
  bar: { full: "■", empty: "·" },
  spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
  rule: "─",
  focus: "━",
  wall: "│",
  caret: "▏",
  divider: "·",
  cursor: "›",
  mark: "◆",
  dot: "●",
  ring: "○",
  up: "↑",
  down: "↓",
  more: "…",
  status: { pending: "○", running: "●", paused: "‖", completed: "✓", failed: "✗", cancelled: "−", expired: "◷" },
};

export const PLAIN: Glyphs = {
  bar: { full: "#", empty: "." },
  spark: ["_", ".", ":", "-", "=", "+", "*", "#"],
  rule: "-",
  focus: "=",
  wall: "|",
  caret: "_",
  divider: "|",
  cursor: ">",
  mark: "*",
  dot: "*",
  ring: "o",
  up: "^",
  down: "v",
  more: "~",
  status: { pending: "o", running: "*", paused: "=", completed: "+", failed: "x", cancelled: "-", expired: "!" },
};
