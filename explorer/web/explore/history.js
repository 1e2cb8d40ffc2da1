// Undo and redo: whole states as text, the newest last. `take()` gives the present state, `put(state)` brings one back.

/** @import { MadeHistory, State, Step } from "../types.d.ts" */

const KEPT = 100;

/** @type {<S>(parts: { take: () => S; put: (state: S) => void; describe: (before: S, after: S) => string; changed: () => void }) => MadeHistory} */
export function makeHistory({ take, put, describe, changed }) {
  let now = JSON.stringify(take());
  /** @type {{ state: string; words: string }[]} */
  let past = []; // [{ state, words }]: what was before, and what was done then
  /** @type {{ state: string; words: string }[]} */
  let future = [];

  // Something was done: keep what was before, unless nothing is different.
  function record() {
    const state = JSON.stringify(take());
    if (state === now) return;
    past = [...past, { state: now, words: describe(JSON.parse(now), JSON.parse(state)) }].slice(-KEPT);
    future = [];
    now = state;
    changed();
  }

  /** @type {(from: { state: string; words: string }[], to: { state: string; words: string }[]) => void} */
  function step(from, to) {
    const last = from.pop();
    if (!last) return;
    to.push({ state: now, words: last.words });
    now = last.state;
    put(JSON.parse(now));
    changed();
  }

  return {
    record,
    undo: () => step(past, future),
    redo: () => step(future, past),
    next: () => ({ undo: past.at(-1)?.words, redo: future.at(-1)?.words }),
    list: () => past.map(({ words }) => words),
    back: (count) => {
      for (let i = 0; i < count; i++) step(past, future);
    },
  };
}

// What was done, in a few words: the first difference that a person would name.
/** @type {(before: State, after: State, words: { distortion: (name: string) => { title: string }; title: (name: string) => string; shown: (step: Step) => number }) => string} */
export function describeChange(before, after, { distortion, title, shown }) {
  /** @type {(key: keyof State) => boolean} */
  const same = (key) => JSON.stringify(before[key]) === JSON.stringify(after[key]);
  if (same("on") && !same("window")) return "another part of the photograph";
  if (!same("reference")) return after.reference ? "pinned" : "unpinned";
  if (!same("family")) return "other models";
  if (!same("models")) {
    const added = after.models.find((name) => !before.models.includes(name));
    const removed = before.models.find((name) => !after.models.includes(name));
    if (added) return `${title(added)} added`;
    return removed ? `${title(removed)} removed` : `${title(after.models[0])} is the baseline`;
  }
  if (!same("picture")) return "another picture";
  if (!same("steps")) return describeSteps(before.steps, after.steps, { distortion, shown });
  if (!same("seed")) return `seed ${after.seed}`;
  if (!same("against")) return "another model attacked";
  if (!same("watched")) return "other classes shown";
  if (!same("doubt")) return after.doubt ? "another threshold of doubt" : "no threshold of doubt";
  if (!same("on")) return after.on === "photograph" ? "distorts the photograph" : "distorts the input";
  return after.quantised ? "8-bit pixels" : "float pixels";
}

/** @type {(before: Step[], after: Step[], words: { distortion: (name: string) => { title: string }; shown: (step: Step) => number }) => string} */
function describeSteps(before, after, { distortion, shown }) {
  /** @type {(steps: Step[]) => string[]} */
  const names = (steps) => steps.map((step) => step.name);
  /** @type {(step: Step) => string} */
  const name = (step) => distortion(step.name).title;
  if (after.length === before.length + 1) {
    const at = after.findIndex((step, i) => step.name !== before[i]?.name);
    return `${name(after[at])} added`;
  }
  if (after.length === before.length - 1) {
    const at = before.findIndex((step, i) => step.name !== after[i]?.name);
    return `${name(before[at])} removed`;
  }
  if (JSON.stringify(names(before)) !== JSON.stringify(names(after))) return "another chain of distortions";
  const at = after.findIndex((step, i) => JSON.stringify(step) !== JSON.stringify(before[i]));
  if (after[at].on !== before[at].on) return `${name(after[at])} ${after[at].on ? "on" : "off"}`;
  return `${name(after[at])} ${shown(before[at])} → ${shown(after[at])}`;
}
