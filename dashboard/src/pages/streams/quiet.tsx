import type { ReactElement } from "react";
import { Snippets } from "../../parts/copy.tsx";
import { Section } from "../../parts/section.tsx";

/** Only the ready-made streams are there, and nothing has come: how to make one and send to it. */
export function Quiet(): ReactElement {
  return (
    <Section title="Send the first items">
      <p className="max-w-prose text-soft">
        Nothing has come yet. The stream <code>detections</code> is there from the start; or make one of your own, and send items to it one
        by one.
      </p>
      <div className="max-w-3xl">
        <Snippets label="Ways to use a stream" snippets={snippets(window.location.origin)} />
      </div>
    </Section>
  );
}

function snippets(origin: string): { name: string; text: string }[] {
  const auth = `-H "authorization: Bearer $BATCHYARD_TOKEN" -H "content-type: application/json"`;
  return [
    {
      name: "curl",
      text: `curl -s -X PUT ${origin}/api/streams/orders \\
  ${auth} \\
  -d '{"operation":"transform","options":{"expression":"$uppercase(name)"},
       "keyField":"shop","windowSeconds":60,"idleTimeoutSeconds":15,"maxItems":500}'

curl -s ${origin}/api/streams/orders/items \\
  ${auth} \\
  -d '{"id":"1","shop":"berlin","name":"lamp"}'`,
    },
    {
      name: "TypeScript",
      text: `await client.streams.put("orders", {
  operation: "transform",
  options: { expression: "$uppercase(name)" },
  keyField: "shop",
  windowSeconds: 60,
  idleTimeoutSeconds: 15,
});
await client.streams.push("orders", { id: "1", shop: "berlin", name: "lamp" });`,
    },
    { name: "CLI", text: `batchyard push orders --input orders.jsonl` },
  ];
}
