import { useId, useState, type ReactElement } from "react";
import type { Role } from "batchyard/client";
import { client } from "../../data/client.ts";
import { fieldTime, instantOf, zoneName } from "../../figures/time.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Fault } from "../../parts/notice.tsx";
import { TextField } from "../../parts/text-field.tsx";

const ROLES: readonly { role: Role; may: string }[] = [
  { role: "viewer", may: "sees everything of its tenant" },
  { role: "operator", may: "also creates, pauses, cancels and retries" },
  { role: "admin", may: "also changes settings, keys and alerts, and reads the audit log" },
];

/** A name, a role and an end; then the secret, once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }): ReactElement {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const [ends, setEnds] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  async function create(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      const expiresAt = instantOf(ends);
      setSecret((await client.keys.create({ name: name.trim(), role, ...(expiresAt === null ? {} : { expiresAt }) })).secret);
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  }
  if (secret !== null)
    return (
      <Dialog
        title="The key, shown this once"
        onClose={onClose}
        footer={
          <button type="button" className="button button-main" onClick={onClose}>
            I have it
          </button>
        }
      >
        <div className="flex flex-col gap-3">
          <span className="flex min-w-0 items-center gap-2">
            <code data-testid="secret" className="min-w-0 rounded-md bg-wash px-3 py-2 break-all">
              {secret}
            </code>
            <CopyButton text={secret} what="key" />
          </span>
          <p className="text-sm text-soft">
            Only its hash is kept: nobody can show it again. It goes into the header Authorization: Bearer.
          </p>
        </div>
      </Dialog>
    );
  return (
    <Dialog
      title="New key"
      onClose={onClose}
      footer={
        <button type="submit" form={id} className="button button-main" disabled={name.trim() === "" || busy}>
          Create key
        </button>
      }
    >
      <form
        id={id}
        className="flex flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void create();
        }}
      >
        <TextField label="Name" value={name} hint="Stands in the audit log beside all it does" needed onChange={setName} />
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 text-sm font-medium">Role</legend>
          {ROLES.map((each) => (
            <label key={each.role} className="flex items-baseline gap-2">
              <input type="radio" name="role" checked={role === each.role} onChange={() => setRole(each.role)} />
              <span>
                {each.role} <span className="text-sm text-soft">{each.may}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <label className="flex flex-col gap-1 text-sm font-medium">
          <span>
            Ends <span className="font-normal text-soft">optional, in {zoneName()}</span>
          </span>
          <input
            type="datetime-local"
            step={1}
            className="field"
            min={fieldTime(Date.now())}
            value={ends}
            onChange={(event) => setEnds(event.target.value)}
          />
        </label>
        {error === null ? null : <Fault error={error} />}
      </form>
    </Dialog>
  );
}
