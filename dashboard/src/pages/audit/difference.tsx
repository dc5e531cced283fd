import type { ReactElement } from "react";
import { changesOf, written } from "./changes.ts";

/** What was, and what is since, path by path. */
export function Difference({ before, after }: { before: unknown; after: unknown }): ReactElement {
  const changes = changesOf(before, after);
  if (changes.length === 0) return <p className="text-sm text-soft">The entry holds no before and after.</p>;
  return (
    <table className="w-full max-w-3xl table-fixed text-left text-sm">
      <caption className="sr-only">What changed</caption>
      <thead>
        <tr className="text-soft">
          <th scope="col">Where</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, before: was, after: is, kind }) => (
          <tr key={path} className="align-top">
            <th scope="row" className="font-mono text-xs font-normal break-words">
              {path === "" ? "value" : path}
            </th>
            <td className={`font-mono text-xs break-words ${kind === "same" ? "text-soft" : "text-bad"}`}>
              {kind === "added" ? "" : `${kind === "same" ? "" : "− "}${written(was)}`}
            </td>
            <td className={`font-mono text-xs break-words ${kind === "same" ? "text-soft" : "text-good"}`}>
              {kind === "removed" ? "" : `${kind === "same" ? "" : "+ "}${written(is)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
