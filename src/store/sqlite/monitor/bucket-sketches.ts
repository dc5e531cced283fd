import type { CacheFigures } from "../../../model/cache-figures.ts";
import type { JobTime } from "../../../model/job-totals.ts";
import { Sketch } from "../../../model/stats/sketch.ts";
import type { JobFilter } from "../../port.ts";
import type { Database } from "../database/database.ts";
import { narrowed, type Piece } from "../sums/job-places.ts";
import { Sums } from "../sums/sums.ts";

/** Sketches kept: some ten megabytes. */
const KEPT = 1000;
/** What an entry of a map with two small numbers takes, and what an empty distribution does, about. */
const BIN_BYTES = 32;
const ENTRY_BYTES = 300;

interface Kept {
  sketch: Sketch;
  /** Changes of the bucket when it was read. */
  changes: number;
}

/**
 * The distributions of whole buckets, decoded. A dense bucket has hundreds of bins for each kind of batch, and all but the newest
 * hardly ever change: each is read again only when a batch of it has moved. This process is the only writer.
 */
export class BucketSketches {
  private readonly db: Database;
  private readonly kept = new Map<string, Kept>();
  private hits = 0;
  private misses = 0;

  constructor(db: Database) {
    this.db = db;
  }

  /** Bucket → distribution, of the buckets of a piece that have one. */
  *of(filter: JobFilter, metric: JobTime, piece: Piece): Iterable<[number, Sketch]> {
    const rollup = Sums.of(this.db).jobs;
    const kind = `${filter.tenant} ${piece.width} ${metric} ${filter.operation ?? ""} ${filter.statuses?.join() ?? "*"}`;
    const name = (bucket: number): string => `${bucket} ${kind}`;
    for (let from = piece.from; from < piece.to;) {
      const known = this.kept.get(name(from));
      if (known !== undefined && known.changes === rollup.changesOf(filter.tenant, piece.width, from)) {
        this.hits += 1;
        if (known.sketch.count > 0) yield [from, known.sketch];
        from += piece.width;
        continue;
      }
      let to = from + piece.width;
      while (to < piece.to && this.kept.get(name(to))?.changes !== rollup.changesOf(filter.tenant, piece.width, to)) to += piece.width;
      const read = this.read(filter, metric, { width: piece.width, from, to });
      for (; from < to; from += piece.width) {
        this.misses += 1;
        const sketch = read.get(from) ?? new Sketch();
        this.keep(name(from), { sketch, changes: rollup.changesOf(filter.tenant, piece.width, from) });
        if (sketch.count > 0) yield [from, sketch];
      }
    }
  }

  cache(): CacheFigures {
    let bytes = 0;
    for (const [name, { sketch }] of this.kept) bytes += 2 * name.length + ENTRY_BYTES + sketch.bins.size * BIN_BYTES;
    return { name: "bucket_sketches", entries: this.kept.size, limit: KEPT, hits: this.hits, misses: this.misses, bytes };
  }

  private read(filter: JobFilter, metric: JobTime, piece: Piece): Map<number, Sketch> {
    const { where, parameters } = narrowed(filter);
    const sketches = new Map<number, Sketch>();
    const rows = this.db.all<{ bucket: number; bin: number; n: number }>(
      `SELECT bucket, bin, SUM(jobs) AS n FROM job_bins WHERE tenant = ? AND width = ? AND bucket >= ? AND bucket < ? AND metric = ?${where}
       GROUP BY 1, 2 HAVING n > 0`,
      filter.tenant,
      piece.width,
      piece.from,
      piece.to,
      metric,
      ...parameters,
    );
    for (const { bucket, bin, n } of rows) {
      let sketch = sketches.get(bucket);
      if (sketch === undefined) sketches.set(bucket, (sketch = new Sketch()));
      sketch.addBin(bin, n);
    }
    return sketches;
  }

  private keep(name: string, kept: Kept): void {
    this.kept.delete(name);
    if (this.kept.size >= KEPT) this.kept.delete(this.kept.keys().next().value!);
    this.kept.set(name, kept);
  }
}
