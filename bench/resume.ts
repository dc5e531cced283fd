/**
 * Readers of every kind are cut off again and again, also within frames, while the server is killed and restarted; then a
 * hundred readers that stop reading. In the end everybody's state is held against the store.
 *
 *   node --conditions=batchyard-source bench/resume.ts [--disconnects 1000] [--restarts 20] [--stalled 100] [--seed n] [--save]
 *
 * The same campaign as test/fault/resume.test.ts, with more of everything.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endChildren } from "../test/support/child.ts";
import { resumeCampaign } from "../test/support/campaigns/resume-campaign.ts";
import { stallCampaign } from "../test/support/campaigns/stall-campaign.ts";
import { megabytes, report } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    disconnects: { type: "string", default: "1000" },
    restarts: { type: "string", default: "20" },
    stalled: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    save: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const folder = mkdtempSync(join(tmpdir(), "batchyard-resume-"));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const faults: string[] = [];

async function cutOff(): Promise<void> {
  const { faults: found, ...campaign } = await resumeCampaign({
    disconnects: Number(values.disconnects),
    restarts: Number(values.restarts),
    seed,
    folder: join(folder, "resume"),
    say,
  });
  faults.push(...found);
  report(
    "Resume campaign: readers cut off, servers killed",
    [
      {
        disconnects: campaign.disconnects,
        "within a frame": campaign.withinFrame,
        "kill -9 / SIGTERM": `${campaign.restarts.SIGKILL} / ${campaign.restarts.SIGTERM}`,
        readers: campaign.readers,
        connections: campaign.connections,
        batches: campaign.batches,
        events: campaign.events,
        faults: found.length,
        seconds: campaign.seconds,
      },
    ],
    [
      `Seed ${seed}. Readers: server-sent events raw and by four policies with Last-Event-ID, \`client.on\` and \`client.watch\` of batchyard/client, Socket.IO with a snapshot at each connection. Every event of the log was read once and in the order of its batch, no reader was reset, and the state each folded is the store's for every batch. Socket.IO is at most once: there the folded state alone is compared.`,
    ],
  );
}

async function stalled(): Promise<void> {
  const { faults: found, ...campaign } = await stallCampaign({ readers: Number(values.stalled), folder: join(folder, "stalled"), say });
  faults.push(...found);
  report(
    "Readers that stop reading",
    campaign.phases.map(({ name, ...phase }) => ({
      "the readers": name,
      readers: phase.readers,
      "event MB offered to each": phase.megabytes,
      "RSS before": megabytes(phase.rssBefore),
      "RSS at most": megabytes(phase.rssPeak),
      "unread bytes of one, at most": phase.mostUnread,
      "gone after s": phase.goneAfterSeconds ?? "-",
      dropped: phase.dropped,
      "p99 ms of a push": phase.pushP99,
    })),
    ["Gone after: seconds from the first unread byte in the server's memory, seen by asking for its statistics five times a second."],
  );
}

try {
  await cutOff();
  await stalled();
  for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await endChildren();
  rmSync(folder, { recursive: true, force: true });
}
