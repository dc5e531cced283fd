import { expect, it } from "vitest";
import { clock } from "../terminal/figures.ts";
import { factsOf } from "./facts.ts";

const NOW = Date.UTC(2026, 0, 5, 12);

it("says fields as people read them: units, moments, what is nested; nothing of it steers a terminal", () => {
  const record = {
    id: "w1\u001b[2J",
    memory: { rss_bytes: 235_995_136, "evil\u0007_bytes": 1 },
    event_loop_lag_p99_seconds: 1.247728382999,
    cpu_percent: 3.21,
    value: 0.123456,
    chunks_done: 1878,
    paused: false,
    openedAt: new Date(NOW - 65_000).toISOString(),
    due_at: new Date(NOW + 5_000).toISOString(),
    channels: ["log", "mail"],
    tags: [],
    reasons: [{ code: "x" }],
    error: null,
  };
  expect(factsOf(record, NOW)).toEqual([
    ["id", "w1\ufffd[2J"],
    ["memory rss", "236.0 MB"],
    ["memory evil\ufffd", "1 bytes"],
    ["event loop lag p99", "1.2s"],
    ["cpu", "3.2 %"],
    ["value", "0.123"],
    ["chunks done", "1,878"],
    ["paused", "no"],
    ["opened at", `${clock(NOW - 65_000)}, 1m05s ago`],
    ["due at", `${clock(NOW + 5_000)}, in 5s`],
    ["channels", "log, mail"],
    ["tags", "none"],
    ["reasons", '[{"code":"x"}]'],
  ]);
});
