/** Milliseconds as people say them: "820 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". */
export function duration(ms: number): string {
  if (ms < 1) return ms <= 0 ? "0 ms" : `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, "min", Math.floor(seconds % 60), "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return pair(hours, "h", minutes % 60, "min");
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Steps of an axis of durations: a minute has sixty seconds. `ms` = how many milliseconds the unit of its values has. */
export function durationSteps(ms: number): number[] {
  const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
  const below = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const sixty = [1, 2, 5, 10, 15, 30];
  return [
    ...below.map((each) => each / 1_000),
    ...below,
    ...sixty.map((each) => each * second),
    ...sixty.map((each) => each * minute),
    ...[1, 2, 3, 6, 12].map((each) => each * hour),
    ...below.map((each) => each * day),
  ].map((each) => each / ms);
}
