import { DETECTIONS } from "./detections.ts";
import { REQUESTS } from "./requests.ts";
import type { OpenStream, OpenWindow } from "./open-stream.ts";
import type { StreamView, WindowView } from "./service.ts";

export function viewOf(stream: OpenStream): StreamView {
  return {
    name: stream.name,
    definition: stream.definition,
    readyMade: stream.name === DETECTIONS || stream.name === REQUESTS,
    openWindows: stream.windows.size,
    openItems: stream.openItems,
    droppedItems: stream.dropped,
    intake: stream.intake,
    fault: stream.plan instanceof Error ? stream.plan.message : null,
  };
}

export function windowView(open: OpenWindow): WindowView {
  const window = open.window!;
  const { maxItems, maxBytes } = open.stream.rules;
  const shares = [maxItems === undefined ? 0 : window.items / maxItems, maxBytes === undefined ? 0 : window.bytes / maxBytes];
  const { openedAt, lastItemAt, items, bytes, held } = window;
  const fill = maxItems === undefined && maxBytes === undefined ? null : Math.min(1, Math.max(...shares));
  return { id: open.id, stream: open.stream.name, key: open.key, items, bytes, openedAt, lastItemAt, held, dueAt: open.dueAt(), fill };
}
