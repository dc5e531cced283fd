import { useId, useState, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { count, plural } from "../figures/number.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Fault, Loading } from "../parts/notice.tsx";
import { TextField } from "../parts/text-field.tsx";
import { bulkCountQuery, bulkName, type BulkRequest, DESTROYS, REASONED, startBulk, UNDO_SECONDS } from "./bulk-act.ts";

interface BulkDialogProps {
  request: BulkRequest;
  /** Of what it is done to, when that is more than a list of batches. */
  about?: string;
  /** `started`: it waits for its time now. */
  onClose: (started: boolean) => void;
}

// More destructive ones than that are confirmed by their number.
const TYPED_FROM = 11;

/** First how many the server would do it to, then it is started; its progress stands at the foot of every page. */
export function BulkDialog({ request, about, onClose }: BulkDialogProps): ReactElement {
  const { data: found, error, refetch } = useQuery(bulkCountQuery(request));
  const form = useId();
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const [refused, setRefused] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const name = bulkName(request);
  const destroys = DESTROYS.has(request.action);
  const does = REASONED[request.action];
  const needsNumber = destroys && found !== undefined && found >= TYPED_FROM;
  const agreed =
    found !== undefined &&
    found > 0 &&
    (!needsNumber || typed.replaceAll(",", "").trim() === String(found)) &&
    (does === undefined || reason.trim() !== "");

  async function start(): Promise<void> {
    setBusy(true);
    try {
      await startBulk(does === undefined ? request : { ...request, reason: reason.trim() });
      onClose(true);
    } catch (failure) {
      setRefused(failure);
      setBusy(false);
    }
  }
  return (
    <Dialog
      title={name}
      onClose={() => onClose(false)}
      footer={
        <>
          <button type="button" className="button" onClick={() => onClose(false)}>
            Keep as they are
          </button>
          <button type="submit" form={form} className={`button ${destroys ? "button-danger" : "button-main"}`} disabled={!agreed || busy}>
            {name}
            {found === undefined ? "" : `: ${plural(found, "batch", "batches")}`}
          </button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (agreed) void start();
        }}
      >
        {about === undefined ? null : <p className="break-words text-soft">{about}</p>}
        {error !== null ? (
          <Fault error={error} retry={() => void refetch()} />
        ) : found === undefined ? (
          <Loading lines={2} label="Counting" />
        ) : found === 0 ? (
          <p>The state of none of these batches allows it.</p>
        ) : (
          <>
            <p>
              It is done to <strong className="figure font-semibold">{plural(found, "batch", "batches")}</strong>, at most 100 a second.
              Others are left out: their state does not allow it. It starts in {UNDO_SECONDS} seconds; until then it can be undone.
            </p>
            {does === undefined ? null : (
              <>
                <p className="max-w-prose">{does}</p>
                <TextField
                  label="Why"
                  hint="It stands in the error of each item and in the audit log"
                  needed
                  value={reason}
                  onChange={setReason}
                />
              </>
            )}
            {needsNumber ? (
              <label className="flex flex-col gap-1 text-sm font-medium">
                Type {count(found)} to confirm
                <input
                  className="field w-40! font-normal"
                  inputMode="numeric"
                  value={typed}
                  onChange={(event) => setTyped(event.target.value)}
                />
              </label>
            ) : null}
          </>
        )}
        {refused === null ? null : <Fault error={refused} />}
      </form>
    </Dialog>
  );
}
