import { useState, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { count, plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Fault, Loading, messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { useAct } from "./act.ts";
import { ChannelDialog } from "./channel-dialog.tsx";
import { acts, type Alerting, type Channel, channelsQuery, type ChannelTest } from "./queries.ts";
import { Suppression } from "./suppression.tsx";

const KINDS: Readonly<Record<Channel["kind"], string>> = { log: "Log", webhook: "Webhook", slack: "Slack", email: "E-mail" };
const FROM: Readonly<Record<Channel["from"], string>> = { "built-in": "always there", config: "from the config file", api: "set up here" };

/** Who is told, through what, and whether it arrives. */
export function ChannelTable({ settings }: { settings: Alerting["settings"] }): ReactElement {
  const { data, error, refetch } = useQuery(channelsQuery);
  const act = useAct();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  if (data === undefined)
    return error === null ? <Loading lines={4} label="Loading channels" /> : <Fault error={error} retry={() => void refetch()} />;
  const standing = settings.notificationChannels;
  return (
    <div className="flex flex-col gap-10">
      <Section
        title="Channels"
        className="border-t-0! pt-0!"
        aside={
          <button type="button" className="button" onClick={() => setAdding(true)}>
            <Icon name="plus" /> New channel
          </button>
        }
      >
        {data.length === 1 ? (
          <p className="max-w-prose text-soft">
            Alerts go to the server’s log only. Add a webhook, a Slack webhook or e-mail addresses, and try it with Test.
          </p>
        ) : null}
        <Wide label="Channels">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Channel</th>
                <th scope="col">Leads to</th>
                <th scope="col" title="Told of every rule that names no channels of its own">
                  Default
                </th>
                <th scope="col">Last message</th>
                <th scope="col" className="number">
                  Not arrived
                </th>
                <th scope="col">
                  <span className="sr-only">Act</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((channel) => (
                <ChannelRow
                  key={channel.name}
                  channel={channel}
                  isStanding={standing.includes(channel.name)}
                  onStanding={(on) => {
                    const others = standing.filter((name) => name !== channel.name);
                    void act(`${channel.name} is ${on ? "" : "no longer "}told by default`, () =>
                      acts.change({ notificationChannels: on ? [...others, channel.name] : others }),
                    );
                  }}
                  onRemove={() => setRemoving(channel.name)}
                />
              ))}
            </tbody>
          </table>
        </Wide>
      </Section>
      <Suppression settings={settings} />
      {adding ? <ChannelDialog known={data.map(({ name }) => name)} onClose={() => setAdding(false)} /> : null}
      {removing === null ? null : (
        <Dialog
          title={`Remove the channel ${removing}?`}
          onClose={() => setRemoving(null)}
          footer={
            <>
              <button type="button" className="button" onClick={() => setRemoving(null)}>
                Keep it
              </button>
              <button
                type="button"
                className="button button-danger"
                onClick={() => {
                  setRemoving(null);
                  void act(`${removing} is gone`, () => acts.removeChannel(removing));
                }}
              >
                Remove
              </button>
            </>
          }
        >
          <p>Rules that name it tell nobody through it any more, and messages that wait for it do not arrive.</p>
        </Dialog>
      )}
    </div>
  );
}

interface ChannelRowProps {
  channel: Channel;
  isStanding: boolean;
  onStanding: (on: boolean) => void;
  onRemove: () => void;
}

function ChannelRow({ channel, isStanding, onStanding, onRemove }: ChannelRowProps): ReactElement {
  const [test, setTest] = useState<ChannelTest | "under way" | null>(null);
  const { name, last, waiting, givenUp } = channel;
  async function run(): Promise<void> {
    setTest("under way");
    try {
      setTest(await acts.testChannel(name));
    } catch (error) {
      setTest({ success: false, error: messageOf(error) });
    }
  }
  return (
    <>
      <tr className={test === null ? "" : "[&>*]:border-b-0!"}>
        <th scope="row" className="text-left">
          <span className="font-medium">{name}</span>
          <span className="block text-xs font-normal text-soft">
            {KINDS[channel.kind]}, {FROM[channel.from]}
          </span>
        </th>
        <td className="max-w-72 truncate" title={channel.target}>
          {channel.target}
        </td>
        <td>
          <input
            type="checkbox"
            role="switch"
            aria-label={`${name} is told by default`}
            className="block size-4 accent-accent"
            checked={isStanding}
            onChange={(event) => onStanding(event.target.checked)}
          />
        </td>
        <td className="min-w-48">
          {last === null ? (
            <span className="text-soft">none yet</span>
          ) : last.arrivedAt !== null ? (
            <span className="inline-flex flex-wrap items-center gap-x-2">
              <Status look={{ word: "Arrived", icon: "check", tone: "good" }} />
              <span className="text-soft">
                <Time at={last.arrivedAt} />
              </span>
            </span>
          ) : (
            <span className="flex flex-col">
              <Status look={{ word: `Failed ${plural(last.tries, "time")}`, icon: "cross", tone: "bad" }} />
              <span className="max-w-80 text-xs break-words text-soft">{last.error}</span>
            </span>
          )}
        </td>
        <td className="number" title={`${count(waiting)} tried again, ${count(givenUp)} given up`}>
          {waiting + givenUp === 0 ? <span className="text-soft">0</span> : <span className="text-bad">{count(waiting + givenUp)}</span>}
        </td>
        <td>
          <span className="flex justify-end gap-2">
            <button type="button" className="button" aria-label={`Test ${name}`} disabled={test === "under way"} onClick={() => void run()}>
              {test === "under way" ? "Sending …" : "Test"}
            </button>
            {channel.from === "api" ? (
              <button type="button" className="button button-quiet" aria-label={`Remove ${name}`} onClick={onRemove}>
                Remove
              </button>
            ) : null}
          </span>
        </td>
      </tr>
      {test === null || test === "under way" ? null : (
        <tr>
          <td colSpan={6} className="pt-0!" role="status">
            <span className="inline-flex max-w-prose flex-wrap items-baseline gap-x-2">
              <Status
                look={
                  test.success
                    ? { word: "The test message arrived", icon: "check", tone: "good" }
                    : { word: "The test message did not arrive", icon: "cross", tone: "bad" }
                }
              />
              <span className="break-words text-soft">{test.error}</span>
            </span>
          </td>
        </tr>
      )}
    </>
  );
}
