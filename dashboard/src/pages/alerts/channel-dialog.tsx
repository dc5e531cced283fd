import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { toast } from "../../parts/toast.ts";
import { acts, type ChannelDraft } from "./queries.ts";

type Kind = "webhook" | "slack" | "email";

const KINDS: Readonly<Record<Kind, { label: string; field: string; placeholder: string; type: "url" | "text"; hint: string }>> = {
  webhook: {
    label: "Webhook",
    field: "Address",
    placeholder: "https://example.com/alerts",
    type: "url",
    hint: "Gets each notice as JSON. Addresses within the own network are refused unless the server allows them.",
  },
  slack: {
    label: "Slack",
    field: "Address of the incoming webhook",
    placeholder: "https://hooks.slack.com/services/…",
    type: "url",
    hint: "As Slack shows it; it is not shown again here.",
  },
  email: {
    label: "E-mail",
    field: "Addresses",
    placeholder: "ops@example.org, night@example.org",
    type: "text",
    hint: "With commas between. Needs a mail server: BATCHYARD_SMTP_URL.",
  },
};

/** Sets up a channel; one of the same name is replaced. */
export function ChannelDialog({ known, onClose }: { known: readonly string[]; onClose: () => void }): ReactElement {
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("webhook");
  const [target, setTarget] = useState("");
  const [secret, setSecret] = useState("");
  const { field, placeholder, type, hint } = KINDS[kind];

  async function send(): Promise<void> {
    const addresses = target.split(",").map((each) => each.trim());
    const draft: ChannelDraft =
      kind === "email"
        ? { email: addresses.filter((each) => each !== "") }
        : { [kind]: target.trim(), ...(kind === "webhook" && secret !== "" ? { secret } : {}) };
    await acts.saveChannel(name, draft);
    toast(`${name} is set up; try it with Test`);
    await cache.invalidateQueries({ queryKey: ["alerts"] });
  }
  return (
    <FormDialog
      title="New channel"
      refuse="Do not add"
      submit={known.includes(name) ? "Replace the channel" : "Add the channel"}
      onSubmit={send}
      onClose={onClose}
    >
      <fieldset className="flex gap-4 text-sm">
        <legend className="mb-1 font-medium">Kind</legend>
        {(Object.keys(KINDS) as Kind[]).map((each) => (
          <label key={each} className="inline-flex items-center gap-2">
            <input
              type="radio"
              name="kind"
              className="size-4 accent-accent"
              checked={kind === each}
              onChange={() => {
                setKind(each);
                setTarget("");
              }}
            />
            {KINDS[each].label}
          </label>
        ))}
      </fieldset>
      <label className="flex flex-col gap-1 text-sm font-medium">
        Name
        <input
          className="field font-normal"
          value={name}
          required
          pattern="[A-Za-z][A-Za-z0-9_.\-]{0,99}"
          title="1 to 100 letters, digits, '_', '-' or '.', beginning with a letter"
          placeholder="team"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="flex flex-col gap-1 text-sm font-medium">
        {field}
        <input
          className="field font-normal"
          type={type}
          value={target}
          required
          placeholder={placeholder}
          onChange={(event) => setTarget(event.target.value)}
        />
        <span className="text-xs font-normal text-soft">{hint}</span>
      </label>
      {kind === "webhook" ? (
        <label className="flex flex-col gap-1 text-sm font-medium">
          <span>
            Secret <span className="font-normal text-soft">optional</span>
          </span>
          <input
            className="field font-normal"
            type="password"
            autoComplete="off"
            minLength={8}
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
          <span className="text-xs font-normal text-soft">
            Signs each notice by Standard Webhooks, so that the receiver knows who sent it.
          </span>
        </label>
      ) : null}
    </FormDialog>
  );
}
