/** Numbers and times as people read them. Without Intl where a command may end sooner than that is loaded. */

/** "1,234,567"; whole numbers. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** "12:03:04", where this machine is. */
export function clock(unixMs: number): string {
  const time = new Date(unixMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(":");
}

/** "1,200/s", "0.4/s" */
export function rate(itemsPerSecond: number): string {
  const digits = itemsPerSecond < 10 ? 1 : 0;
  return `${itemsPerSecond.toLocaleString("en-US", { maximumFractionDigits: digits })}/s`;
}

/** "450 ms", "5 s", "2 min 03 s", "1 h 02 min" */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** The same in little room: "450ms", "5s", "2m03s", "1h02m", "3d04h" */
export function brief(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return ms < 10_000 && ms % 1_000 !== 0 ? `${(ms / 1_000).toFixed(1)}s` : `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)}d${pad(hours % 24)}h`;
}

const SCALES = ["k", "M", "B", "T"];

/** In at most six columns: "9.4", "9,999", "98.7k", "3.4M" */
export function compact(value: number): string {
  if (value < 100 && !Number.isInteger(value)) return value.toFixed(value < 10 ? 1 : 0).replace(/\.0$/, "");
  if (value < 10_000) return count(Math.round(value));
  let scale = 1_000;
  let at = 0;
  // 999,950 is a million already: it would be written as 1000.0k.
  for (; at < SCALES.length - 1 && value / scale >= 999.95; at += 1) scale *= 1_000;
  return `${(value / scale).toFixed(1).replace(/\.0$/, "")}${SCALES[at]}`;
}

/** "3.4 MB" */
export function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let at = 0;
  let size = value;
  for (; size >= 1_000 && at < units.length - 1; at += 1) size /= 1_000;
  return `${at === 0 ? size : size.toFixed(1)} ${units[at]}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Columns with two blanks between them; the first row is the heading. Right-aligned where `right` says so. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}
