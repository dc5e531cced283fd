import { useEffect, useState, type ReactElement } from "react";
import { plural } from "../figures/number.ts";
import { live } from "../live/live.ts";

const EVERY_MS = 5_000;

/** The one polite live region: what ended badly, at most every five seconds. */
export function Announcer(): ReactElement {
  const [said, say] = useState("");
  useEffect(() => {
    let failures = 0;
    const stop = live.listen((events) => {
      failures += events.filter((event) => event.type === "batch.failed" || event.type === "worker.lost").length;
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
    <div aria-live="polite" className="sr-only">
      {said}
    </div>
  );
}
