import type { WireBatch } from "../contract/batch.ts";
import { type Html, html, page } from "./page.ts";

const MARKS: Record<WireBatch["status"], string> = {
  pending: "○",
  running: "◐",
  paused: "‖",
  completed: "✓",
  failed: "✕",
  cancelled: "⊘",
  expired: "⌛",
};

/** The newest batches; the page asks again every few seconds. */
export function homePage(batches: WireBatch[], total: number, origin: string): string {
  const body = html`<h1>Batches</h1>
    ${batches.length === 0 ? empty(origin) : table(batches, total)}`;
  return page({ title: "Batches", body, signedIn: true, refreshSeconds: 5 });
}

function table(batches: WireBatch[], total: number): Html {
  return html`<p class="soft">The newest ${batches.length} of ${total}.</p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Batch</th>
            <th>Operation</th>
            <th>Status</th>
            <th>Progress</th>
            <th>Done</th>
            <th>Failed</th>
            <th>Created</th>
          </tr>
        </thead>
        <tbody>
          ${batches.map(
            (batch) =>
              html`<tr>
                <td><a href="/api/batch/${batch.id}">${batch.name ?? batch.id}</a></td>
                <td>${batch.operation}</td>
                <td class="${batch.status}">${MARKS[batch.status]} ${batch.status}</td>
                <td>
                  <progress max="100" value="${batch.progress}" aria-label="${batch.progress} percent"></progress> ${batch.progress} %
                </td>
                <td class="n">${batch.processed_items} / ${batch.total_items}</td>
                <td class="n">${batch.failed_items}</td>
                <td><time datetime="${batch.created_at}">${batch.created_at.slice(0, 19).replace("T", " ")}</time></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** The command as it works here: `origin` is the address the page was asked under. */
function empty(origin: string): Html {
  return html`<p>There are no batches yet. Create one:</p>
    <pre>
curl -s ${origin}/api/batch/create \\
  -H "authorization: Bearer $BATCHYARD_TOKEN" -H "content-type: application/json" \\
  -d '{"operation":"transform","options":{"expression":"name"},"items":[{"id":"1","name":"first"}]}'</pre>`;
}
