import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALERT_TICK_MS, calmAlert, lookAtAlert, type AlertEffect, type AlertLook, type AlertPhase, type AlertState } from "./alert.ts";

const TICK = ALERT_TICK_MS;
const further = (a: number, b: number): boolean => a > b;

/** H: high, L: low, n: no data, g: gone; lower-case s or i after it: silenced, inhibited. */
function looks(script: string): AlertLook[] {
  return script
    .trim()
    .split(" ")
    .map((word, i) => ({
      at: (i + 1) * TICK,
      silenced: word.includes("s"),
      inhibited: word.includes("i"),
      reading:
        word[0] === "n"
          ? { kind: "nodata" }
          : word[0] === "g"
            ? { kind: "gone" }
            : { kind: "value", value: word[0] === "H" ? 9 : 1, breached: word[0] === "H" },
    }));
}

function lived(
  all: readonly AlertLook[],
  forTicks: number,
  keepTicks: number,
): { phases: AlertPhase[]; effects: AlertEffect[][]; states: AlertState[] } {
  let state = calmAlert();
  const found: { phases: AlertPhase[]; effects: AlertEffect[][]; states: AlertState[] } = { phases: [], effects: [], states: [] };
  for (const each of all) {
    const after = lookAtAlert(state, each, { forMs: forTicks * TICK, keepMs: keepTicks * TICK }, further);
    state = after.state;
    found.phases.push(state.phase);
    found.effects.push(after.effects);
    found.states.push(state);
  }
  return found;
}

describe("the life of an alert", () => {
  // for, keep (ticks), what is seen, the phases, what is told at which look
  it.each<[number, number, string, string, Record<number, AlertEffect[]>]>([
    [0, 0, "L H L", "normal firing resolved", { 1: ["opened", "tellOpening"], 2: ["resolved", "tellResolving"] }],
    [1, 1, "H H L L", "pending firing recovering resolved", { 1: ["opened", "tellOpening"], 3: ["resolved", "tellResolving"] }],
    [2, 0, "H H L H", "pending pending normal pending", {}],
    [0, 2, "H L L H L", "firing recovering recovering firing recovering", { 0: ["opened", "tellOpening"] }],
    [2, 0, "H n n n H H", "pending pending pending pending pending firing", { 5: ["opened", "tellOpening"] }],
    [
      0,
      2,
      "H L n n L L",
      "firing recovering recovering recovering recovering resolved",
      { 0: ["opened", "tellOpening"], 5: ["resolved", "tellResolving"] },
    ],
    [0, 0, "H g L", "firing resolved normal", { 0: ["opened", "tellOpening"], 1: ["resolved", "tellResolving"] }],
    [0, 0, "Hs Hs H H L", "firing firing firing firing resolved", { 0: ["opened"], 2: ["tellOpening"], 4: ["resolved", "tellResolving"] }],
    [0, 0, "Hs Hs Ls", "firing firing resolved", { 0: ["opened"], 2: ["resolved"] }],
    [0, 0, "H Hs Ls", "firing firing resolved", { 0: ["opened", "tellOpening"], 2: ["resolved", "tellResolving"] }],
    [0, 0, "Hi H L", "firing firing resolved", { 0: ["opened"], 1: ["tellOpening"], 2: ["resolved", "tellResolving"] }],
    [
      0,
      0,
      "H L H L",
      "firing resolved firing resolved",
      { 0: ["opened", "tellOpening"], 1: ["resolved", "tellResolving"], 2: ["opened", "tellOpening"], 3: ["resolved", "tellResolving"] },
    ],
  ])("for %i, keep %i: %s", (forTicks, keepTicks, script, phases, told) => {
    const life = lived(looks(script), forTicks, keepTicks);
    // A calm alert is the same whether it was resolved or never fired.
    expect(life.phases.map((phase, i) => (phase === "resolved" && phases.split(" ")[i] === "normal" ? "normal" : phase))).toEqual(
      phases.split(" "),
    );
    expect(Object.fromEntries(life.effects.flatMap((effects, i) => (effects.length === 0 ? [] : [[i, effects]])))).toEqual(told);
  });

  it("a process that was down saw nothing: the time does not count", () => {
    const [first, second] = looks("H H");
    const timing = { forMs: 10 * TICK, keepMs: 0 };
    const pending = lookAtAlert(calmAlert(), first!, timing, further).state;
    const later = lookAtAlert(pending, { ...second!, at: 1_000_000_000 }, timing, further).state;
    expect([later.phase, later.heldMs]).toEqual(["pending", 2 * TICK]);
  });

  it("an alert that was taken on before it was told is not told, neither of its end", () => {
    const [first, second, third] = looks("Hs H L");
    const timing = { forMs: 0, keepMs: 0 };
    const taken = { ...lookAtAlert(calmAlert(), first!, timing, further).state, acknowledged: true };
    const fired = lookAtAlert(taken, second!, timing, further);
    expect([fired.effects, lookAtAlert(fired.state, third!, timing, further).effects]).toEqual([[], ["resolved"]]);
  });

  it("whatever is seen: ends alternate with beginnings, what is told belongs to an episode and is told once", () => {
    const word = fc.tuple(fc.constantFrom("H", "L", "n", "g"), fc.constantFrom("", "s", "i", "si")).map((parts) => parts.join(""));
    const script = fc.array(word, { minLength: 1, maxLength: 80 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(script, fc.nat(3), fc.nat(3), (given, forTicks, keepTicks) => {
        expect(faultsOf(looks(given), lived(looks(given), forTicks, keepTicks))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Sentences about what no alert's life may show. */
function faultsOf(seen: readonly AlertLook[], { phases, effects, states }: ReturnType<typeof lived>): string[] {
  const faults: string[] = [];
  const say = (at: number, isFault: boolean, text: string): void => void (isFault && faults.push(`look ${at}: ${text}`));
  let open = false;
  let told = false;
  effects.forEach((each, i) => {
    const state = states[i]!;
    for (const effect of each) {
      say(i, effect === "opened" && open, "opened twice");
      say(i, effect === "resolved" && !open, "resolved, but not open");
      say(
        i,
        effect === "tellOpening" && (!open || told || state.silenced || state.inhibited),
        "told of an opening that is none, again, or in silence",
      );
      say(i, effect === "tellResolving" && (open || !told), "told of an ending that is none, or of which nobody knew the opening");
      if (effect === "opened") told = false;
      if (effect === "opened" || effect === "resolved") open = effect === "opened";
      if (effect === "tellOpening") told = true;
    }
    say(
      i,
      (state.openedAt !== null) !== (phases[i] === "firing" || phases[i] === "recovering"),
      "an episode outside of firing and recovering",
    );
    say(i, state.told !== (open && told), "does not know what was told");
    const before = states[i - 1];
    const moved = before !== undefined && (before.phase !== state.phase || before.heldMs !== state.heldMs);
    say(i, seen[i]!.reading.kind === "nodata" && moved, "moved without data");
  });
  return faults;
}
