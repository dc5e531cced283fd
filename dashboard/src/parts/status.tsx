import type { ReactElement } from "react";
import type { BatchStatus } from "batchyard/client";
import { BATCH_LOOK, type Look, TONE_TEXT } from "./states.ts";
import { Icon } from "./icon.tsx";

/** A state as icon and word in its tone. */
export function Status({ look }: { look: Look }): ReactElement {
  return (
    <span className={`status inline-flex items-baseline gap-1.5 whitespace-nowrap font-medium ${TONE_TEXT[look.tone]}`}>
      <Icon name={look.icon} className="self-center" />
      {look.word}
    </span>
  );
}

export function BatchStatusMark({ status }: { status: BatchStatus }): ReactElement {
  return <Status look={BATCH_LOOK[status]} />;
}
