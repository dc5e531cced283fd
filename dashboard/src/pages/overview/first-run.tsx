import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { Snippets } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";

/** Nothing has come yet. The page turns into the overview by itself with the first batch. */
export function FirstRun(): ReactElement {
  const origin = window.location.origin;
  return (
    <div className="flex max-w-3xl flex-col gap-8">
      <p className="max-w-prose text-lg text-soft">
        Send a batch in one of these ways, or{" "}
        <Link to="/batches/new" className="link">
          make one here
        </Link>
        . This page shows it the moment it arrives; there is nothing to reload.
      </p>
      <Snippets label="Ways to send a batch" snippets={snippets(origin)} />
      <p className="inline-flex items-center gap-2 font-medium text-busy">
        <Icon name="half" /> Waiting for the first batch
      </p>
    </div>
  );
}

function snippets(origin: string): { name: string; text: string }[] {
  return [
    {
      name: "curl",
      text: `curl -s ${origin}/api/batch/create \\
  -H "authorization: Bearer $BATCHYARD_TOKEN" \\
  -H "content-type: application/json" \\
  -d '{"operation":"transform","options":{"expression":"$uppercase(name)"},
       "items":[{"id":"1","name":"first"},{"id":"2","name":"second"}]}'`,
    },
    {
      name: "TypeScript",
      text: `import { createClient } from "batchyard/client";

const client = createClient({ url: "${origin}", token: process.env.BATCHYARD_TOKEN });
const batch = await client.create(
  { operation: "transform", options: { expression: "$uppercase(name)" } },
  [{ id: "1", name: "first" }, { id: "2", name: "second" }],
);
for await (const { progress, status } of client.watch(batch.id)) console.log(progress, status);`,
    },
    { name: "CLI", text: `batchyard submit transform --input items.csv --options '{"expression":"$uppercase(name)"}' --watch` },
  ];
}
