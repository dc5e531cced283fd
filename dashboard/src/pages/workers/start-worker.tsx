import type { ReactElement } from "react";
import { Snippets } from "../../parts/copy.tsx";
import { Section } from "../../parts/section.tsx";

/** How to get more done; loud where nobody works at all. */
export function StartWorker({ none }: { none: boolean }): ReactElement {
  const origin = window.location.origin;
  return (
    <Section title={none ? "No worker runs: start one" : "Start another worker"}>
      <p className="max-w-prose text-soft">
        Batches of operations with <code>external: true</code>, or created with <code>options.executor: "external"</code>, are pulled by
        programs of yours in any language; they appear here with their first call. This server's own slots are the setting{" "}
        <code>BATCHYARD_WORKERS</code>.
      </p>
      <div className="max-w-3xl">
        <Snippets
          label="Ways to start a worker"
          snippets={[
            {
              name: "Python",
              text: `BATCHYARD_TOKEN=$BATCHYARD_TOKEN python3 examples/external-worker/worker.py \\
  --url ${origin} --name worker-1`,
            },
            {
              name: "curl",
              text: `curl -s ${origin}/api/external/lease \\
  -H "authorization: Bearer $BATCHYARD_TOKEN" -H "content-type: application/json" \\
  -d '{"worker":"w1","max":1,"leaseMs":12000}'`,
            },
          ]}
        />
      </div>
    </Section>
  );
}
