/**
 * DDSketch (Masson, Rim, Lee, VLDB 2019) with logarithmic bins: a quantile is within 1 % of the exact value, sketches
 * merge by adding bins, in any order, with the same result. Bins are kept sparse; values ≤ MIN count as zero.
 */
const RELATIVE_ERROR = 0.01;
/** γ: bin b covers (γ^(b-1), γ^b]. */
export const BIN_BASE = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LN_BASE = Math.log(BIN_BASE);
const MIN = 1e-6;

/** Of values that count as zero. */
export const ZERO_BIN = -(2 ** 31);

/** Number of the bin a value belongs to. */
export function binOf(value: number): number {
  return value > MIN ? Math.ceil(Math.log(value) / LN_BASE) : ZERO_BIN;
}

export class Sketch {
  /** bin → count; bin b covers (γ^(b-1), γ^b]. */
  readonly bins = new Map<number, number>();
  zeros = 0;
  count = 0;

  add(value: number, times = 1): void {
    this.addBin(binOf(value), times);
  }

  addBin(bin: number, times: number): void {
    this.count += times;
    if (bin === ZERO_BIN) this.zeros += times;
    else this.bins.set(bin, (this.bins.get(bin) ?? 0) + times);
  }

  merge(other: Sketch): void {
    this.count += other.count;
    this.zeros += other.zeros;
    for (const [bin, times] of other.bins) this.bins.set(bin, (this.bins.get(bin) ?? 0) + times);
  }

  /** Nearest-rank quantile (rank ceil(q·n)), within 1 % of the exact value; null when empty. */
  quantile(q: number): number | null {
    if (this.count === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = this.zeros;
    if (seen >= rank) return 0;
    for (const bin of [...this.bins.keys()].sort((a, b) => a - b)) {
      seen += this.bins.get(bin)!;
      if (seen >= rank) return (2 * Math.pow(BIN_BASE, bin)) / (BIN_BASE + 1);
    }
    return null;
  }

  /** `[zeros, bin, count, bin, count, …]`, bins ascending: equal sketches have equal encodings. */
  encode(): number[] {
    const flat = [this.zeros];
    for (const bin of [...this.bins.keys()].sort((a, b) => a - b)) flat.push(bin, this.bins.get(bin)!);
    return flat;
  }

  static decode(flat: readonly number[]): Sketch {
    const sketch = new Sketch();
    sketch.zeros = sketch.count = flat[0] ?? 0;
    for (let i = 1; i + 1 < flat.length; i += 2) {
      sketch.bins.set(flat[i]!, flat[i + 1]!);
      sketch.count += flat[i + 1]!;
    }
    return sketch;
  }
}
