import { useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { shares } from "batchyard/contract";
import type { z } from "zod";
import { client } from "../../data/client.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Fault, messageOf } from "../../parts/notice.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";

type Link = z.output<typeof shares.sharedLink>;

const ENDS: readonly { hours: number; label: string }[] = [
  { hours: 24, label: "a day" },
  { hours: 168, label: "a week" },
  { hours: 720, label: "30 days" },
];

/** Read-only links to the batch: a new one, shown once, and those that are good. */
export function ShareDialog({ id, onClose }: { id: string; onClose: () => void }): ReactElement {
  const cache = useQueryClient();
  const path = `/api/batch/${encodeURIComponent(id)}/share`;
  const query = { queryKey: ["share", id], queryFn: async () => (await client.request<{ links: Link[] }>(path)).links };
  const { data: links, error, refetch } = useQuery(query);
  const [hours, setHours] = useState(168);
  const [made, setMade] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const good = (links ?? []).filter((link) => link.revokedAt === null && Date.parse(link.expiresAt ?? "9999") > Date.now());
  async function act(run: () => Promise<void>): Promise<void> {
    setBusy(true);
    try {
      await run();
    } catch (cause) {
      toast(messageOf(cause), "bad");
    }
    setBusy(false);
    await cache.invalidateQueries({ queryKey: query.queryKey });
  }
  const make = (): Promise<void> =>
    act(async () => {
      const answer = await client.request<{ path: string }>(path, { method: "POST", json: { expiresInHours: hours } });
      setMade(window.location.origin + answer.path);
    });
  const revoke = (link: Link): Promise<void> =>
    act(async () => {
      await client.request(`${path}/${encodeURIComponent(link.id)}`, { method: "DELETE" });
      toast("Link revoked");
    });
  return (
    <Dialog
      title="Share the batch"
      onClose={onClose}
      footer={
        <button type="button" className="button button-main" disabled={busy} onClick={() => void make()}>
          Make a link
        </button>
      }
    >
      <div className="flex flex-col gap-5">
        <p className="text-soft">
          Whoever has the link sees how far this batch is and what failed, without signing in: no items, no results, nothing else.
        </p>
        <label className="flex items-center gap-3 text-sm">
          Good for
          <select className="field w-auto!" value={hours} onChange={(event) => setHours(Number(event.target.value))}>
            {ENDS.map((end) => (
              <option key={end.hours} value={end.hours}>
                {end.label}
              </option>
            ))}
          </select>
        </label>
        {made === null ? null : (
          <div role="status" className="flex flex-col gap-1">
            <span className="flex min-w-0 items-center gap-2">
              <code className="min-w-0 rounded-md bg-wash px-3 py-2 break-all">{made}</code>
              <CopyButton text={made} what="link" />
            </span>
            <span className="text-sm text-soft">Shown this once: only a hash of it is kept.</span>
          </div>
        )}
        {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
        {good.length === 0 ? null : (
          <ul aria-label="Links that are good" className="flex flex-col">
            {good.map((link) => (
              <li key={link.id} className="flex items-center justify-between gap-3 border-t border-line py-2 text-sm">
                <span>
                  <code>{link.hint}</code> ends <Time at={link.expiresAt} />
                </span>
                <button type="button" className="button button-danger" aria-label={`Revoke ${link.hint}`} onClick={() => void revoke(link)}>
                  Revoke
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  );
}
