import { useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ApiKey } from "batchyard/client";
import { client } from "../../data/client.ts";
import { sessionQuery, useMay } from "../../data/session.ts";
import { fullTime } from "../../figures/time.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Awaited, Empty, messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import type { Look } from "../../parts/states.ts";
import { NewKeyDialog } from "./new-key.tsx";
import { keysQuery } from "./queries.ts";

/** Who may in: keys and sign-in links. */
export function Keys(): ReactElement {
  const isAdmin = useMay("admin");
  const session = useQuery(sessionQuery);
  return (
    <div className="flex flex-col gap-10">
      {isAdmin ? <KeyTable /> : null}
      <Section title="Sign-in link">
        <p className="max-w-prose text-soft">
          {session.data === undefined ? "" : `You are ${session.data.actor}, role ${session.data.role}, tenant ${session.data.tenant}. `}A
          link signs in another browser with the same rights. It works once, for 15 minutes.
        </p>
        <SignInLink />
      </Section>
    </div>
  );
}

function KeyTable(): ReactElement {
  const cache = useQueryClient();
  const { data: keys, error, refetch } = useQuery(keysQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const [showsEnded, showEnded] = useState(false);
  async function revoke(key: ApiKey): Promise<void> {
    setRevoking(null);
    try {
      await client.keys.revoke(key.id);
      toast(`${key.name} revoked`);
    } catch (cause) {
      toast(messageOf(cause), "bad");
    }
    await cache.invalidateQueries({ queryKey: keysQuery.queryKey });
  }
  const now = Date.now();
  const shown = (keys ?? []).filter((key) => showsEnded || stateOf(key, now) === GOOD).toReversed();
  return (
    <Section
      title="API keys"
      className="border-t-0 pt-0!"
      aside={
        <button type="button" className="button" onClick={() => setCreating(true)}>
          <Icon name="plus" /> New key
        </button>
      }
    >
      {keys === undefined ? (
        <Awaited error={error} lines={4} label="Loading keys" retry={() => void refetch()} />
      ) : shown.length === 0 ? (
        <Empty title="There is no key yet">A program signs in with a key of its own, so that it can be revoked alone.</Empty>
      ) : (
        <Wide label="API keys">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">State</th>
                <th scope="col">Begins with</th>
                <th scope="col">Created</th>
                <th scope="col">Last used</th>
                <th scope="col">Ends</th>
                <th scope="col">
                  <span className="sr-only">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((key) => (
                <tr key={key.id}>
                  <th scope="row" className="text-left font-medium">
                    {key.name}
                  </th>
                  <td>{key.role}</td>
                  <td>
                    <Status look={stateOf(key, now)} />
                  </td>
                  <td className="font-mono text-xs">{key.hint}</td>
                  <td>
                    <Time at={key.createdAt} />
                  </td>
                  <td>{key.lastUsedAt === null ? <span className="text-soft">never</span> : <Time at={key.lastUsedAt} />}</td>
                  <td>{key.expiresAt === null ? "never" : <Time at={key.expiresAt} />}</td>
                  <td className="text-right">
                    {stateOf(key, now) === GOOD ? (
                      <button
                        type="button"
                        className="button button-danger"
                        aria-label={`Revoke ${key.name}`}
                        onClick={() => setRevoking(key)}
                      >
                        Revoke
                      </button>
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {keys !== undefined && keys.some((key) => stateOf(key, now) !== GOOD) ? (
        <label className="flex items-center gap-2 text-sm text-soft">
          <input type="checkbox" className="size-4 accent-accent" checked={showsEnded} onChange={() => showEnded(!showsEnded)} />
          Also those that ended
        </label>
      ) : null}
      {creating ? (
        <NewKeyDialog
          onClose={() => {
            setCreating(false);
            void cache.invalidateQueries({ queryKey: keysQuery.queryKey });
          }}
        />
      ) : null}
      {revoking === null ? null : (
        <Dialog
          title={`Revoke ${revoking.name}?`}
          onClose={() => setRevoking(null)}
          footer={
            <>
              <button type="button" className="button" onClick={() => setRevoking(null)}>
                Keep it
              </button>
              <button type="button" className="button button-danger" onClick={() => void revoke(revoking)}>
                Revoke the key
              </button>
            </>
          }
        >
          <p>What uses it is refused at once, and sessions that were opened with it end. This cannot be undone.</p>
        </Dialog>
      )}
    </Section>
  );
}

const GOOD: Look = { word: "Good", icon: "check", tone: "good" };
const REVOKED: Look = { word: "Revoked", icon: "slash", tone: "idle" };
const EXPIRED: Look = { word: "Expired", icon: "clock", tone: "idle" };

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): Look {
  if (revokedAt !== null) return REVOKED;
  return expiresAt !== null && Date.parse(expiresAt) <= now ? EXPIRED : GOOD;
}

function SignInLink(): ReactElement {
  const [link, setLink] = useState<{ url: string; expiresAt: string } | null>(null);
  const [busy, setBusy] = useState(false);
  async function make(): Promise<void> {
    setBusy(true);
    try {
      const { path, expiresAt } = await client.request<{ path: string; expiresAt: string }>("/api/session/link", {
        method: "POST",
        json: {},
      });
      setLink({ url: window.location.origin + path, expiresAt });
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    setBusy(false);
  }
  return link === null ? (
    <button type="button" className="button self-start" disabled={busy} onClick={() => void make()}>
      Make a link
    </button>
  ) : (
    <div role="status" className="flex flex-col gap-1">
      <span className="flex min-w-0 items-center gap-2">
        <code className="min-w-0 rounded-md bg-wash px-3 py-2 break-all">{link.url}</code>
        <CopyButton text={link.url} what="sign-in link" />
      </span>
      <span className="text-sm text-soft">Works once, until {fullTime(link.expiresAt)}.</span>
    </div>
  );
}
