import { useState, type ReactElement } from "react";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useMay } from "../../data/session.ts";
import { count, plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { TextField } from "../../parts/text-field.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import { type Letter, lettersQuery, requeue } from "./queries.ts";

/** Items that found no room, oldest first; what an item is, is shown when it is opened. */
export function DeadLetters({ name }: { name: string }): ReactElement {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(lettersQuery(name));
  const mayRequeue = useMay("operator");
  const [asking, ask] = useState(false);
  const letters = data?.pages.flatMap((page) => page.dead_letters) ?? [];
  const total = data?.pages[0]?.total ?? 0;
  if (data === undefined)
    return error === null ? <Loading lines={5} label="Loading dead letters" /> : <Fault error={error} retry={() => void refetch()} />;
  if (total === 0)
    return (
      <Section title="Dead letters">
        <Empty title="No item was put aside">
          Items land here when the stream is full and its overflow rule is <code>dead_letter</code>. They wait until they are offered again.
        </Empty>
      </Section>
    );
  return (
    <Section title={plural(total, "dead letter")} aside="oldest first">
      {mayRequeue ? (
        <button type="button" className="button button-main self-start" onClick={() => ask(true)}>
          Offer them again
        </button>
      ) : null}
      <Wide label="Dead letters">
        <table className="table" aria-label="Dead letters">
          <thead>
            <tr>
              <th scope="col">Item</th>
              <th scope="col">Why it was put aside</th>
              <th scope="col" className="number">
                When
              </th>
            </tr>
          </thead>
          <tbody>
            {letters.map((letter) => (
              <LetterRow key={letter.id} letter={letter} />
            ))}
          </tbody>
        </table>
      </Wide>
      {hasNextPage ? (
        <button type="button" className="button self-start" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          50 more
        </button>
      ) : null}
      {asking ? <Requeue name={name} total={total} onClose={() => ask(false)} /> : null}
    </Section>
  );
}

function LetterRow({ letter }: { letter: Letter }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr>
        <th scope="row" className="text-left font-normal">
          <button type="button" aria-expanded={open} className="link font-mono text-sm" onClick={() => setOpen(!open)}>
            {letter.item_key ?? `letter ${letter.id}`}
          </button>
        </th>
        <td>{letter.reason.replaceAll("_", " ")}</td>
        <td className="number text-soft">
          <Time at={letter.at} />
        </td>
      </tr>
      {open ? (
        <tr>
          <td colSpan={3} className="bg-wash">
            <pre
              tabIndex={0}
              aria-label="Item"
              className="max-h-80 overflow-auto px-3 py-2 text-sm leading-5 break-words whitespace-pre-wrap"
            >
              {JSON.stringify(letter.item, null, 2)}
            </pre>
          </td>
        </tr>
      ) : null}
    </>
  );
}

const FORM = "requeue";

function Requeue({ name, total, onClose }: { name: string; total: number; onClose: () => void }): ReactElement {
  const cache = useQueryClient();
  const [limit, setLimit] = useState(String(Math.min(total, 1_000)));
  const [rate, setRate] = useState("");
  const [error, setError] = useState<unknown>(null);
  async function send(): Promise<void> {
    setError(null);
    try {
      const { requeued, scheduled, left } = await requeue(name, { limit: Number(limit), ...(rate === "" ? {} : { rate: Number(rate) }) });
      const more = [
        ...(scheduled > 0 ? [`${count(scheduled)} follow at ${rate} a second`] : []),
        ...(left.length > 0 ? [`${plural(left.length, "item")} left: ${left[0]!.message}`] : []),
      ];
      toast([`${plural(requeued, "item")} offered again`, ...more].join("; "), left.length > 0 ? "bad" : "good");
      onClose();
    } catch (failure) {
      setError(failure);
    }
    await Promise.all(
      [
        ["letters", name],
        ["windows", name],
        ["stream", name],
      ].map((queryKey) => cache.invalidateQueries({ queryKey })),
    );
  }
  return (
    <Dialog
      title="Offer dead letters again"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Leave them
          </button>
          <button type="submit" form={FORM} className="button button-main">
            Offer again
          </button>
        </>
      }
    >
      <form
        id={FORM}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <p className="text-soft">The oldest of {plural(total, "dead letter")} go into windows again, as if they had just come.</p>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="How many" type="number" needed value={limit} hint="the oldest first" onChange={setLimit} />
          <TextField label="Items a second" type="number" value={rate} hint="all at once without it" onChange={setRate} />
        </div>
        {error === null ? null : <Fault error={error} />}
      </form>
    </Dialog>
  );
}
