import type { ReactElement } from "react";
import { changesOf, written } from "./changes.ts";

// It stands within a row of another table, whose cells are taller and ruled.
const CELL = "h-auto! border-0! py-0.5!";

/** What was, and what is since, path by path. */
export function Difference({ before, after }: { before: unknown; after: unknown }): ReactElement {
  const changes = changesOf(before, after);
  if (changes.length === 0) return <p className="text-sm text-soft">The entry holds no before and after.</p>;
  return (
    <table className="w-full max-w-3xl table-fixed text-left text-sm">
      <caption className="sr-only">What changed</caption>
      <thead>
        <tr className="text-soft">
          <th scope="col" className={CELL}>
            Where
          </th>
          <th scope="col" className={CELL}>
            Before
          </th>
          <th scope="col" className={CELL}>
            After
          </th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, before: was, after: is, kind }) => (
          <tr key={path} className="align-top">
            <th scope="row" className={`${CELL} font-mono text-xs font-normal break-words text-ink!`}>
              {path === "" ? "value" : path}
            </th>
            <td className={`${CELL} font-mono text-xs break-words ${kind === "same" ? "text-soft" : "text-bad"}`}>
              {kind === "added" ? "" : `${kind === "same" ? "" : "− "}${written(was)}`}
            </td>
            <td className={`${CELL} font-mono text-xs break-words ${kind === "same" ? "text-soft" : "text-good"}`}>
              {kind === "removed" ? "" : `${kind === "same" ? "" : "+ "}${written(is)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
