import { useEffect, useLayoutEffect, type RefObject } from "react";

/**
 * A table wider than its room becomes a list: each row a block, each cell with the name of its column, nothing beyond the edge.
 * Once a list it stays one until its room changes, so that a live figure does not turn it back and forth under the reader.
 */
export function useStacking(room: RefObject<HTMLElement | null>, stacks: boolean): void {
  useLayoutEffect(() => {
    const element = room.current;
    if (!stacks || element === null) return;
    nameCells(element);
    if (!element.hasAttribute("data-stacked")) fit(element);
  });
  useEffect(() => {
    const element = room.current;
    if (!stacks || element === null) return;
    let width = element.clientWidth;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      fit(element);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [room, stacks]);
}

function fit(element: HTMLElement): void {
  element.removeAttribute("data-stacked");
  element.toggleAttribute("data-stacked", element.scrollWidth > element.clientWidth);
}

/** A column whose heading is not seen names nothing. */
function nameCells(element: HTMLElement): void {
  const head = element.querySelector("thead");
  if (head === null || head.classList.contains("sr-only")) return;
  const names = Array.from(head.querySelectorAll("th"), (each) => (each.querySelector(".sr-only") === null ? each.textContent : ""));
  for (const row of element.querySelectorAll("tbody > tr"))
    for (const [i, cell] of Array.from(row.children).entries())
      if (cell instanceof HTMLTableCellElement && cell.dataset["label"] !== names[i]) cell.dataset["label"] = names[i] ?? "";
}
