/** From a file to a report: import its rows into a collection, validate the records against a schema, and sum them up. */
import { createBatchyard } from "batchyard";

const orders = `order,country,total
1001,NL,19.90
1002,DE,5.00
1003,NL,7.10
1004,DE,minus three
1005,FR,42.00
`;

const yard = await createBatchyard({ data: "./data/import-validate-report" });

/** Creates a batch, waits for it, and says how it went. */
async function run(operation: string, request: { options?: Record<string, unknown>; input: { file_id?: string; collection?: string } }) {
  const { id } = await yard.createBatch({ operation, ...request });
  const batch = await yard.waitForBatch(id);
  console.log(`${operation}: ${batch.succeeded_items} done, ${batch.failed_items} failed`);
  return Array.fromAsync(yard.results(id));
}

const file = await yard.saveFile(orders, { name: "orders.csv", contentType: "text/csv" });
await run("import", { options: { collection: "orders", keyField: "order", mode: "replace" }, input: { file_id: file.id } });

const schema = { type: "object", required: ["country", "total"], properties: { total: { type: "string", pattern: "^\\d+\\.\\d\\d$" } } };
const checked = await run("validate", { options: { schema }, input: { collection: "orders" } });
for (const { nodeId, error } of checked.filter((result) => !result.success)) console.log(`order ${nodeId}: ${error}`);

const [report] = await run("report", {
  options: { groupBy: "country", measures: ["count", "sum:total"], format: "csv" },
  input: { collection: "orders" },
});
const { file_id: reportId } = report!.result as { file_id: string };
process.stdout.write(Buffer.concat(await Array.fromAsync(yard.readFile(reportId))));
await yard.close();
