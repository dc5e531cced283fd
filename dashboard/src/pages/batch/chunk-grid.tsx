import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Batch } from "batchyard/client";
import { chunksQuery } from "../../data/queries.ts";
import type { Chunk } from "../../data/wire.ts";
import { count, plural } from "../../figures/number.ts";
import { Loading } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { type Tone, TONE_FILL } from "../../parts/states.ts";

const STATES: Readonly<Record<Chunk["state"], { word: string; tone: Tone; shape: string }>> = {
  // Shapes tell the states apart for who cannot tell the colours.
  pending: { word: "pending", tone: "idle", shape: "opacity-35" },
  leased: { word: "running", tone: "busy", shape: "rounded-full!" },
  done: { word: "done", tone: "good", shape: "" },
  cancelled: { word: "cancelled", tone: "idle", shape: "scale-y-[0.35]" },
};

/** A cell for each chunk, in their order. */
export function ChunkGrid({ batch }: { batch: Batch }): ReactElement {
  const { data } = useQuery(chunksQuery(batch.id));
  if (data === undefined)
    return (
      <Section title="Chunks">
        <Loading label="Loading chunks" />
      </Section>
    );
  const byState = Object.entries(STATES).map(([state, look]) => ({
    ...look,
    number: data.filter((chunk) => chunk.state === state).length,
  }));
  const crashed = data.filter((chunk) => chunk.crashes > 0).length;
  return (
    <Section title="Chunks" aside={data.length === 1_000 ? "the first 1,000" : plural(data.length, "chunk")}>
      <div
        role="img"
        aria-label={`Chunks: ${byState.map(({ number, word }) => `${number} ${word}`).join(", ")}`}
        className="flex max-h-44 flex-wrap gap-[3px] overflow-hidden"
      >
        {data.map((chunk) => (
          <span
            key={chunk.id}
            title={`Chunk ${chunk.position}: ${STATES[chunk.state].word}, ${chunk.settled} of ${chunk.items} items, attempt ${chunk.attempt}${chunk.workerId === null ? "" : `, ${chunk.workerId}`}`}
            className={`size-3 rounded-[2px] ${TONE_FILL[STATES[chunk.state].tone]} ${STATES[chunk.state].shape}`}
          />
        ))}
      </div>
      <ul className="figure flex flex-wrap gap-x-4 gap-y-1 text-sm text-soft">
        {byState
          .filter(({ number }) => number > 0)
          .map(({ word, number, tone, shape }) => (
            <li key={word} className="inline-flex items-center gap-1.5">
              <span aria-hidden="true" className={`size-2.5 rounded-[2px] ${TONE_FILL[tone]} ${shape}`} /> {count(number)} {word}
            </li>
          ))}
        {crashed > 0 ? <li className="text-bad">{plural(crashed, "chunk")} lost a worker</li> : null}
      </ul>
    </Section>
  );
}
