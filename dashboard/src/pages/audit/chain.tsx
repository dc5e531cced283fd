import { useState, type ReactElement } from "react";
import { count, plural } from "../../figures/number.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Fault } from "../../parts/notice.tsx";
import { TextField } from "../../parts/text-field.tsx";
import { type Verdict, verify } from "./queries.ts";

/** Whether nobody edited, removed, moved, cut or rewrote an entry, in the server's words. */
export function ChainDialog({ onClose }: { onClose: () => void }): ReactElement {
  const [head, setHead] = useState("");
  const [asking, setAsking] = useState(false);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [error, setError] = useState<unknown>(null);
  async function ask(): Promise<void> {
    setAsking(true);
    setError(null);
    try {
      setVerdict(await verify(head.trim()));
    } catch (cause) {
      setVerdict(null);
      setError(cause);
    }
    setAsking(false);
  }
  return (
    <Dialog
      title="Verify the audit log"
      onClose={onClose}
      footer={
        <button type="button" className="button button-main" disabled={asking} onClick={() => void ask()}>
          {asking ? "Verifying …" : "Verify"}
        </button>
      }
    >
      <div className="flex flex-col gap-4">
        <p className="text-soft">
          Each entry carries the hash of itself and of the one before. Verifying computes all of them again, of every tenant.
        </p>
        <TextField
          label="Head noted down earlier"
          value={head}
          hint="As seq:hash; proves that nothing before it was changed since"
          onChange={setHead}
        />
        {error === null ? null : <Fault error={error} />}
        {verdict === null ? null : <Answer verdict={verdict} />}
      </div>
    </Dialog>
  );
}

function Answer({ verdict: { ok, entries, head, found, faults } }: { verdict: Verdict }): ReactElement {
  return (
    <div role="status" className={`flex flex-col gap-2 border-l-2 py-1 pl-3 ${ok ? "border-good" : "border-bad"}`}>
      <span className={`inline-flex items-center gap-1.5 font-medium ${ok ? "text-good" : "text-bad"}`}>
        <Icon name={ok ? "check" : "cross"} />
        {ok ? `The chain is whole: ${plural(entries, "entry", "entries")}` : `The chain is broken in ${plural(found, "place")}`}
      </span>
      {faults.length === 0 ? null : (
        <ul className="flex flex-col gap-1 text-sm">
          {faults.map((fault) => (
            <li key={`${fault.seq} ${fault.kind}`}>
              Entry {count(fault.seq)}, {fault.kind}: {fault.message}
            </li>
          ))}
        </ul>
      )}
      {head === null ? null : (
        <span className="flex min-w-0 items-center gap-2 text-xs text-soft">
          <span className="min-w-0 font-mono break-all">{head}</span>
          <CopyButton text={head} what="head" />
        </span>
      )}
    </div>
  );
}
