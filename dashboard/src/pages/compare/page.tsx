import { useState, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Fault, Loading } from "../../parts/notice.tsx";
import { useBack } from "../../shell/back.ts";
import { PageTitle } from "../../shell/page-title.tsx";
import { ChangedSection } from "./changed-section.tsx";
import { Differences } from "./differences.tsx";
import { compareQuery } from "./queries.ts";

/** Two batches side by side: what the second did otherwise than the first. */
export function ComparePage(): ReactElement {
  const { a = "", b = "" } = useSearch({ from: "/batches/compare" });
  useBack("/batches", "Back to the list");
  return (
    <>
      <PageTitle
        title="Compare"
        above={
          <Link to="/batches" className="text-sm text-soft hover:text-ink">
            Batches
          </Link>
        }
      />
      <div className="flex flex-col gap-10">
        <Choice key={`${a} ${b}`} a={a} b={b} />
        {a === "" || b === "" ? (
          <p className="text-soft">Give the ids of two batches; the page of a batch shows its id.</p>
        ) : (
          <Compared a={a} b={b} />
        )}
      </div>
    </>
  );
}

function Choice({ a, b }: { a: string; b: string }): ReactElement {
  const navigate = useNavigate();
  const [first, setFirst] = useState(a);
  const [second, setSecond] = useState(b);
  return (
    <form
      className="flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({ to: "/batches/compare", search: { a: first.trim(), b: second.trim() } });
      }}
    >
      <label className="flex w-full flex-col gap-1 text-sm text-soft sm:w-80">
        First
        <input className="field font-mono" value={first} onChange={(event) => setFirst(event.target.value)} required />
      </label>
      <label className="flex w-full flex-col gap-1 text-sm text-soft sm:w-80">
        Second
        <input className="field font-mono" value={second} onChange={(event) => setSecond(event.target.value)} required />
      </label>
      <button type="submit" className="button button-main min-h-9!">
        Compare
      </button>
    </form>
  );
}

function Compared({ a, b }: { a: string; b: string }): ReactElement {
  const { data, error, refetch } = useQuery(compareQuery(a, b));
  if (data === undefined)
    return error === null ? <Loading lines={6} label="Comparing" /> : <Fault error={error} retry={() => void refetch()} />;
  return (
    <Differences comparison={data}>
      <ChangedSection a={a} b={b} counts={data.counts} />
    </Differences>
  );
}
