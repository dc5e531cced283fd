import { useRef, useState, type ReactElement } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ClientError, type Preview, type Stream } from "batchyard/client";
import { client } from "../../../data/client.ts";
import { useMay } from "../../../data/session.ts";
import { definitionOf } from "../../../data/streams.ts";
import { Icon } from "../../../parts/icon.tsx";
import { Fault, Loading } from "../../../parts/notice.tsx";
import { Section } from "../../../parts/section.tsx";
import { TextField } from "../../../parts/text-field.tsx";
import { toast } from "../../../parts/toast.ts";
import { RULE_FIELDS, RuleInput, type RuleField } from "../../../streams/rule-fields.tsx";
import { settingsQuery } from "../queries.ts";
import { applyRules, SETTING_OF } from "./apply.ts";
import { ChangeList } from "./change-list.tsx";
import { Comparison } from "./comparison.tsx";
import { changesOf, draftOf, largestChange, PREVIEWED_FROM, type RuleChanges, type RuleDraft, sweepOf } from "./draft.ts";

interface Tried {
  /** The changes it was asked for, as text. */
  of: string;
  preview: Preview;
}

/** The rules of a stream: edit, see what they would have done, apply, and what came of earlier changes. */
export function Rules({ stream }: { stream: Stream }): ReactElement {
  const cache = useQueryClient();
  const definition = definitionOf(stream);
  const isDetections = stream.name === "detections";
  const settings = useQuery({ ...settingsQuery, enabled: isDetections });
  const mayPreview = useMay("operator");
  const mayAdmin = useMay("admin");
  const top = useRef<HTMLDivElement>(null);
  // What the reader changed stands over the rules in force, which may become others meanwhile.
  const [edits, setEdits] = useState<Partial<RuleDraft>>({});
  const draft = { ...draftOf(definition), ...edits };
  const [tried, setTried] = useState<Tried | null>(null);
  const [reason, setReason] = useState("");
  const changes = changesOf(definition, draft);
  const asked = JSON.stringify(changes);
  const isChanged = Object.keys(changes).length > 0;
  const shown = tried !== null && tried.of === asked ? tried.preview : null;

  const preview = useMutation({
    mutationFn: async (wanted: RuleChanges): Promise<Tried> => {
      const sweep = sweepOf(definition, wanted);
      return {
        of: JSON.stringify(wanted),
        preview: await client.streams.preview(stream.name, { ...wanted, ...(sweep === null ? {} : { sweep }) }),
      };
    },
    onSuccess: setTried,
  });
  const apply = useMutation({
    mutationFn: ({ wanted, why }: { wanted: RuleChanges; sent: Partial<RuleDraft>; why: string }) => applyRules(stream, wanted, why.trim()),
    onSuccess: async (_, { sent, why }) => {
      toast("The new rules are in force, also for open windows");
      setTried(null);
      setReason((now) => (now === why ? "" : now));
      await Promise.all(
        [["stream", stream.name], ["streams"], ["windows", stream.name], ["stream-changes", stream.name], ["settings"], ["overview"]].map(
          (queryKey) => cache.invalidateQueries({ queryKey }),
        ),
      );
      setEdits((now) => without(now, sent));
    },
  });
  const change = (part: Partial<RuleDraft>): void => {
    setEdits((now) => ({ ...now, ...part }));
    preview.reset();
    apply.reset();
  };
  const failure = apply.error ?? preview.error;
  const faults: Record<string, string> = {};
  if (failure instanceof ClientError) for (const fault of failure.details) faults[fault.path.replace("batch.", "")] = fault.message;
  const lockedBy = (field: RuleField): string | undefined =>
    lockOf(field, { stream, mayPreview, mayAdmin, overridden: settings.data?.overridden_by_env ?? [] });

  const large = largestChange(definition, changes) > PREVIEWED_FROM;
  const isRefused = shown?.candidate?.refused === true;
  const hold = !isChanged ? null : isRefused ? "refused" : large && shown === null ? "unseen" : null;
  const load = (rules: Readonly<Record<string, unknown>>): void => {
    const loaded = draftOf(rules);
    setEdits(loaded);
    apply.reset();
    preview.mutate(changesOf(definition, loaded));
    top.current?.scrollIntoView({ block: "start" });
  };

  return (
    <div className="flex flex-col gap-10">
      <div ref={top} className="scroll-mt-20">
        <Section title="Rules" className="border-t-0! pt-0!" aside="a window closes by the first that is met">
          {stream.name === "requests" ? (
            <p className="max-w-prose text-soft">
              This stream follows <code>BATCH_CREATE_INTERVAL</code>, <code>BATCH_MAX_REQUESTS</code> and <code>BATCH_MIN_SIZE</code>;
              change them in the{" "}
              <Link to="/settings" className="link">
                settings
              </Link>
              .
            </p>
          ) : null}
          <form
            className="flex flex-col gap-5"
            onSubmit={(event) => {
              event.preventDefault();
              if (mayPreview) preview.mutate(changes);
            }}
          >
            <div className="grid max-w-5xl gap-x-6 gap-y-4 sm:grid-cols-2 lg:grid-cols-4">
              {RULE_FIELDS.map((field) => (
                <RuleInput
                  key={field.name}
                  field={field}
                  value={draft[field.name]}
                  fault={faults[field.name] ?? faults[SETTING_OF[field.name] ?? ""]}
                  locked={lockedBy(field)}
                  aside={
                    field.name in changes ? (
                      <span className="figure text-xs font-normal text-accent">was {before(definition[field.name])}</span>
                    ) : null
                  }
                  onChange={(value) => change({ [field.name]: value })}
                />
              ))}
            </div>
            {mayPreview ? (
              <div className="flex flex-wrap items-center gap-3">
                <button type="submit" className={`button ${hold === "unseen" ? "button-main" : ""}`} disabled={preview.isPending}>
                  {preview.isPending ? "Replaying …" : isChanged ? "Preview the change" : "Replay the rules in force"}
                </button>
                {isChanged && stream.name !== "requests" ? (
                  <>
                    <button
                      type="button"
                      className={`button ${hold === null ? "button-main" : ""}`}
                      disabled={apply.isPending || (hold !== null && reason.trim() === "")}
                      onClick={() => apply.mutate({ wanted: changes, sent: edits, why: reason })}
                    >
                      {apply.isPending ? "Applying …" : hold === null ? "Apply" : "Apply all the same"}
                    </button>
                    <button
                      type="button"
                      className="button button-quiet"
                      onClick={() => {
                        setEdits({});
                        preview.reset();
                        apply.reset();
                      }}
                    >
                      Undo the edits
                    </button>
                  </>
                ) : null}
              </div>
            ) : null}
          </form>
          {hold === null || stream.name === "requests" ? null : (
            <div className="flex max-w-xl flex-col gap-3 border-l-2 border-warn pl-3">
              <p className="text-sm">
                <span className="inline-flex items-center gap-1.5 font-medium text-warn">
                  <Icon name="warning" /> {hold === "unseen" ? "Preview this first." : "These rules can not be recommended."}
                </span>{" "}
                {hold === "unseen"
                  ? `A limit changes by more than ${PREVIEWED_FROM * 100} %. To apply it unseen, give a reason.`
                  : `${shown?.candidate?.reason ?? ""}. To apply them all the same, give a reason.`}
              </p>
              <TextField label="Reason" value={reason} hint="stands in the audit log" needed onChange={setReason} />
            </div>
          )}
          {failure === null ? null : <Fault error={failure} />}
        </Section>
      </div>
      {preview.isPending ? <Loading lines={6} label="Replaying the recorded arrivals" /> : null}
      {tried === null || preview.isPending ? null : <Comparison name={stream.name} preview={tried.preview} isOld={shown === null} />}
      <ChangeList name={stream.name} {...(mayPreview && stream.name !== "requests" ? { onLoad: load } : {})} />
    </div>
  );
}

/** What was edited since `sent` was. */
function without(edits: Partial<RuleDraft>, sent: Partial<RuleDraft>): Partial<RuleDraft> {
  const since = Object.entries(edits).filter(([name, value]) => sent[name as RuleField["name"]] !== value);
  return Object.fromEntries(since) as Partial<RuleDraft>;
}

function lockOf(
  field: RuleField,
  { stream, mayPreview, mayAdmin, overridden }: { stream: Stream; mayPreview: boolean; mayAdmin: boolean; overridden: readonly string[] },
): string | undefined {
  if (stream.name === "requests") return "follows the settings";
  if (!mayPreview) return "changing it needs the role operator";
  const setting = stream.name === "detections" ? SETTING_OF[field.name] : undefined;
  if (setting === undefined) return undefined;
  if (overridden.includes(`batch.${setting}`)) return `set by the environment of the server: ${envName(setting)}`;
  return mayAdmin ? undefined : `is the setting batch.${setting}: changing it needs the role admin`;
}

function envName(setting: string): string {
  return `BATCH_${setting.toUpperCase()}`;
}

function before(value: number | string | undefined): string {
  return value === undefined ? "none" : String(value);
}
