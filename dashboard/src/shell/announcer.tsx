import { useEffect, useState, type ReactElement } from "react";
import { plural } from "../figures/number.ts";
import type { LiveEvent } from "../live/feed.ts";
import { live } from "../live/live.ts";

const EVERY_MS = 5_000;

/** What is said to who does not see the page: politely, at most every five seconds, what ended badly; at once a critical alert. */
export function Announcer(): ReactElement {
  const [said, say] = useState("");
  const [alarm, raise] = useState("");
  useEffect(() => {
    let failures = 0;
    const stop = live.listen((events) => {
      failures += events.filter((event) => event.type === "batch.failed" || event.type === "worker.lost").length;
      const critical = events.findLast(isCritical);
      if (critical !== undefined) raise(`Critical alert: ${String(critical.data["message"] ?? critical.data["rule"])}`);
    });
    const timer = setInterval(() => {
      if (failures > 0) say(`${plural(failures, "new failure")}`);
      failures = 0;
    }, EVERY_MS);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, []);
  return (
    <div className="sr-only">
      <p aria-live="polite">{said}</p>
      <p role="alert">{alarm}</p>
    </div>
  );
}

function isCritical({ type, data }: LiveEvent): boolean {
  return type === "alert.firing" && data["severity"] === "critical";
}
