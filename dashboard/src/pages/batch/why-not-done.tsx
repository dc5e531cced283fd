import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { whyQuery } from "../../data/queries.ts";
import { Loading } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";

/** The server's own account of what an open batch waits for. */
export function WhyNotDone({ id }: { id: string }): ReactElement {
  const { data } = useQuery(whyQuery(id));
  return (
    <Section title="Why it is not done">
      {data === undefined ? (
        <Loading lines={2} label="Asking why" />
      ) : (
        <ul className="flex flex-col gap-2">
          {data.reasons.map((reason) => (
            <li key={`${reason.code} ${reason.message}`} className="flex flex-wrap items-baseline gap-x-3">
              <span>{reason.message}</span>
              <span className="text-sm text-soft">
                {reason.since === null ? null : (
                  <>
                    since <Time at={reason.since} />{" "}
                  </>
                )}
                {reason.nextRetryAt === undefined ? null : (
                  <>
                    next try <Time at={reason.nextRetryAt} />
                  </>
                )}
                {reason.blockedBy?.map((other) => (
                  <Link key={other} to="/batches/$id" params={{ id: other }} className="link mr-2 font-mono">
                    {other}
                  </Link>
                ))}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
