import { useEffect, useMemo, useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { client } from "../../data/client.ts";
import { useMay } from "../../data/session.ts";
import { plural } from "../../figures/number.ts";
import { useDraft } from "../../parts/draft.ts";
import { Icon } from "../../parts/icon.tsx";
import { Awaited, Empty, Fault } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { toast } from "../../parts/toast.ts";
import { changed, type Draft, isLarge, patchOf, previewable, withoutSaved } from "./draft.ts";
import { ImpactDialog } from "./impact.tsx";
import { check, type Setting, tableQuery } from "./queries.ts";
import { SettingRow } from "./setting-row.tsx";

const TITLES: Readonly<Record<string, string>> = {
  batch: "Windows and batches",
  fast_path: "Fast path",
  processing: "Requests and providers",
  monitoring: "Statistics",
  alerts: "Alerts",
  queue: "Queues and backpressure",
  events: "Events in groups",
  dashboard: "Dashboard",
  retention: "Retention",
};
const CHECK_MS = 300;

type Faults = Readonly<Record<string, string>>;

/** Everything that can be changed while the server runs; what was typed is saved together. */
export function ServerSettings({ q }: { q: string }): ReactElement {
  const { data: settings, error, refetch } = useQuery(tableQuery);
  const navigate = useNavigate();
  const [text, setText] = useDraft(q);
  return (
    <div className="flex flex-col gap-6">
      <input
        type="search"
        aria-label="Find a setting"
        className="field max-w-md"
        placeholder="Find a setting: a name, a word, a variable"
        value={text}
        onChange={({ target: { value } }) => {
          setText(value);
          void navigate({ to: "/settings", search: value === "" ? {} : { q: value }, replace: true });
        }}
      />
      {settings === undefined ? (
        <Awaited error={error} lines={12} label="Loading settings" retry={() => void refetch()} />
      ) : (
        <SettingsForm settings={settings} q={q.trim().toLowerCase()} />
      )}
    </div>
  );
}

function SettingsForm({ settings, q }: { settings: readonly Setting[]; q: string }): ReactElement {
  const cache = useQueryClient();
  const mayChange = useMay("admin");
  const [draft, setDraft] = useState<Draft>({});
  const [saving, setSaving] = useState(false);
  const [previewing, setPreviewing] = useState<"look" | "save" | null>(null);
  const [error, setError] = useState<unknown>(null);
  const changes = changed(settings, draft);
  const patch = useMemo(() => patchOf(settings, draft), [settings, draft]);
  const faults = useChecked(patch, mayChange);
  const isGood = Object.keys(faults).length === 0;
  const found = settings.filter(({ path, description, variable }) => `${path} ${description} ${variable}`.toLowerCase().includes(q));
  const categories = [...new Set(found.map(({ category }) => category))];

  async function save(reason = ""): Promise<void> {
    setSaving(true);
    setError(null);
    setPreviewing(null);
    try {
      await client.settings.change(patch, { preview: "required", ...(reason === "" ? {} : { reason }) });
      toast(`${plural(changes.length, "setting")} saved, in force now`);
      // What was typed while it was saved stays.
      setDraft((now) => withoutSaved(now, draft));
    } catch (cause) {
      setError(cause);
    }
    await Promise.all(["settings", "session"].map((key) => cache.invalidateQueries({ queryKey: [key] })));
    setSaving(false);
  }
  return (
    <form
      className="flex flex-col gap-10"
      onSubmit={(event) => {
        event.preventDefault();
        if (isLarge(settings, draft)) setPreviewing("save");
        else void save();
      }}
    >
      {categories.length === 0 ? <Empty title="No setting matches">Other words may find it; names are those of the API.</Empty> : null}
      {categories.map((category) => (
        <Section key={category} title={TITLES[category] ?? category} aside={<code>{category}</code>}>
          <ul className="flex flex-col">
            {found
              .filter((setting) => setting.category === category)
              .map((setting) => (
                <SettingRow
                  key={setting.path}
                  setting={setting}
                  same={settings.find((other) => other.variable === setting.variable)?.path ?? setting.path}
                  typed={draft[setting.path]}
                  isChanged={changes.includes(setting)}
                  fault={faults[setting.path]}
                  mayChange={mayChange}
                  onType={(value) => setDraft((now) => ({ ...now, [setting.path]: value }))}
                />
              ))}
          </ul>
        </Section>
      ))}
      {error === null ? null : <Fault error={error} />}
      {changes.length === 0 ? null : (
        <div className="panel sticky bottom-4 z-10 flex flex-wrap items-center gap-3 px-4 py-3" style={{ boxShadow: "var(--shadow)" }}>
          <span className="font-medium">{plural(changes.length, "setting")} changed</span>
          {isGood ? null : (
            <span className="inline-flex items-center gap-1.5 text-sm text-bad">
              <Icon name="cross" /> {plural(Object.keys(faults).length, "is", "are")} not valid
            </span>
          )}
          <span className="ml-auto flex flex-wrap gap-2">
            {previewable(settings, draft).length === 0 ? null : (
              <button type="button" className="button" disabled={!isGood} onClick={() => setPreviewing("look")}>
                Preview
              </button>
            )}
            <button type="button" className="button" onClick={() => setDraft({})}>
              Discard
            </button>
            <button type="submit" className="button button-main" disabled={!isGood || saving}>
              {saving ? "Saving …" : isLarge(settings, draft) ? "Preview and save" : "Save"}
            </button>
          </span>
        </div>
      )}
      {previewing === null ? null : (
        <ImpactDialog
          patch={patch}
          onClose={() => setPreviewing(null)}
          onSave={previewing === "save" ? (reason) => void save(reason) : undefined}
        />
      )}
    </form>
  );
}

/** What the server would refuse of the change, by path, asked a moment after the last key. */
function useChecked(patch: object, enabled: boolean): Faults {
  const [faults, setFaults] = useState<Faults>({});
  const text = JSON.stringify(patch);
  useEffect(() => {
    if (!enabled || text === "{}") {
      setFaults({});
      return;
    }
    let isCurrent = true;
    const timer = setTimeout(() => {
      check(JSON.parse(text) as object).then(
        () => isCurrent && setFaults({}),
        (error: unknown) => {
          if (isCurrent && error instanceof ClientError)
            setFaults(Object.fromEntries(error.details.map(({ path, message }) => [path, message])));
        },
      );
    }, CHECK_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [text, enabled]);
  return faults;
}
