import { useCallback, useEffect, useRef, type ReactElement, type ReactNode, type RefObject } from "react";
import { useWindowVirtualizer } from "@tanstack/react-virtual";

interface Rows {
  count: number;
  /** Pixels, before the row was measured. */
  heightOf: (index: number) => number;
  /** What a measured height belongs to, where rows come in between; the index when absent. */
  keyOf?: (index: number) => string | number;
  /** So many rows before the last one `onEnd` is called. */
  nearEnd: number;
  onEnd?: (() => void) | undefined;
}

export interface RowsInSight {
  body: RefObject<HTMLTableSectionElement | null>;
  /** Indexes of the rows to draw, without a gap. */
  shown: readonly number[];
  /** Pixels of the rows that are not drawn. */
  before: number;
  after: number;
  /** The ref of a row whose height is not known; it needs `data-index`. */
  measure: (row: HTMLTableRowElement | null) => void;
  scrollTo: (index: number) => void;
}

/** Which rows of a table that scrolls with the page are in sight. */
export function useRowsInSight({ count, heightOf, keyOf, nearEnd, onEnd }: Rows): RowsInSight {
  const body = useRef<HTMLTableSectionElement>(null);
  const top = body.current?.offsetTop ?? 0;
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: heightOf,
    ...(keyOf === undefined ? {} : { getItemKey: keyOf }),
    overscan: 10,
    scrollMargin: top,
  });
  const places = virtual.getVirtualItems();
  const last = places.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= count - nearEnd) onEnd?.();
  }, [last, count, nearEnd, onEnd]);
  const scrollTo = useCallback((index: number) => virtual.scrollToIndex(index), [virtual]);
  return {
    body,
    shown: places.map(({ index }) => index),
    before: (places[0]?.start ?? top) - top,
    after: virtual.getTotalSize() - ((places.at(-1)?.end ?? top) - top),
    measure: virtual.measureElement,
    scrollTo,
  };
}

/** The body of a real table of which only the rows in sight are drawn. */
export function BodyInSight({ rows, children }: { rows: RowsInSight; children: (index: number) => ReactNode }): ReactElement {
  return (
    <tbody ref={rows.body}>
      <Filler height={rows.before} />
      {rows.shown.map(children)}
      <Filler height={rows.after} />
    </tbody>
  );
}

function Filler({ height }: { height: number }): ReactElement | null {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true">
      <td className="border-0! p-0!" style={{ height }} />
    </tr>
  );
}
