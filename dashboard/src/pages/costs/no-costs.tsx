import type { ReactElement } from "react";
import { Snippets } from "../../parts/copy.tsx";
import { Empty } from "../../parts/notice.tsx";

/** Nothing was paid: how money comes in here, and how it is saved. */
export function NoCosts({ since }: { since: string }): ReactElement {
  return (
    <Empty title={`No request to a model was booked since ${since}`}>
      <div className="flex flex-col gap-4">
        <p>
          Requests that a provider charges for are booked here with their tokens and price. Sent through the provider&apos;s batch API they
          cost a share of the standard price, half of it with most: the difference is what you save. Operations that run on this machine
          cost nothing.
        </p>
        <p>Start the server with a key of a provider, then send a batch to it:</p>
        <Snippets label="Ways to save" snippets={SNIPPETS(window.location.origin)} />
      </div>
    </Empty>
  );
}

const SNIPPETS = (origin: string): { name: string; text: string }[] => [
  {
    name: "curl",
    text: `curl -s ${origin}/api/batch/create \\
  -H "authorization: Bearer $BATCHYARD_TOKEN" \\
  -H "content-type: application/json" \\
  -d '{"operation":"annotate",
       "options":{"provider":"openai-batch","model":"gpt-4o-mini",
                  "prompt":"Describe {{title}}","budgetUsd":1},
       "items":[{"id":"1","title":"A lamp"},
                {"id":"2","title":"A chair"}]}'`,
  },
  {
    name: "CLI",
    text: `batchyard submit annotate --input items.csv --watch \\
  --options '{"provider":"openai-batch","model":"gpt-4o-mini","prompt":"Describe {{title}}","budgetUsd":1}'`,
  },
  {
    name: "OpenAI client",
    text: `# Any official client: its batches run here, through the provider's batch API.
export OPENAI_BASE_URL=${origin}/v1
export OPENAI_API_KEY=$BATCHYARD_TOKEN`,
  },
];
