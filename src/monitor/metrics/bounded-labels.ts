/** Values of one label; what comes after them goes together as OTHER. */
const MAX_VALUES = 200;
const OTHER = "__other__";

/** Bounds the series of a server that has very many sources. Who came first keeps its own, so that a series never changes its meaning. */
export class BoundedLabels {
  private readonly known = new Map<string, Set<string>>();

  /** The value to show for this one. */
  of(label: string, value: string): string {
    let values = this.known.get(label);
    if (values === undefined) this.known.set(label, (values = new Set()));
    if (!values.has(value) && values.size >= MAX_VALUES) return OTHER;
    values.add(value);
    return value;
  }
}
