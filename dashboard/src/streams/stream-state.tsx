import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Stream } from "batchyard/client";
import { client } from "../data/client.ts";
import type { Look } from "../parts/states.ts";
import { Icon } from "../parts/icon.tsx";
import { messageOf } from "../parts/notice.tsx";
import { Status } from "../parts/status.tsx";
import { toast } from "../parts/toast.ts";

export function StreamState({ stream }: { stream: Stream }): ReactElement {
  return (
    <span title={stream.fault ?? undefined}>
      <Status look={lookOf(stream)} />
    </span>
  );
}

function lookOf({ fault, paused, open_windows }: Stream): Look {
  if (fault !== null) return { word: "Faulty", icon: "cross", tone: "bad" };
  if (paused) return { word: "Paused", icon: "pause", tone: "warn" };
  return open_windows > 0 ? { word: "Collecting", icon: "half", tone: "busy" } : { word: "Idle", icon: "circle", tone: "idle" };
}

/** Holds the windows of a stream, or lets them close again. Nothing is lost by it, so nothing is asked. */
export function PauseStream({ stream }: { stream: Pick<Stream, "name" | "paused"> }): ReactElement {
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const { name, paused } = stream;
  async function turn(): Promise<void> {
    setBusy(true);
    try {
      cache.setQueryData(["stream", name], await (paused ? client.streams.resume(name) : client.streams.pause(name)));
      toast(paused ? `${name} goes on` : `${name} is paused: its windows close by size only`);
      await Promise.all(
        [["streams"], ["stream", name], ["windows", name], ["overview"]].map((queryKey) => cache.invalidateQueries({ queryKey })),
      );
    } catch (error) {
      toast(messageOf(error), "bad");
    } finally {
      setBusy(false);
    }
  }
  return (
    <button
      type="button"
      className="button"
      disabled={busy}
      aria-label={`${paused ? "Resume" : "Pause"} ${name}`}
      title={paused ? "Windows close by all their rules again; what is overdue closes now" : "Windows keep filling and close by size only"}
      onClick={() => void turn()}
    >
      <Icon name={paused ? "play" : "pause"} /> {paused ? "Resume" : "Pause"}
    </button>
  );
}
