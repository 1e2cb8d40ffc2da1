// The tab "Curves": what every model answers while the distortion touched last grows, all else in the chain held still.

/** @import { CurveModel, Flip, Progress, Question, SweptStep, View, ViewParts } from "../../types.d.ts" */

import { mountCurves } from "../../panel/curves.js";
import { make } from "../../shared/dom.js";
import { sweptStep } from "../swept.js";

// What is asked for, one after the other: where large networks answer, a quarter of the amounts; then all of them; then
// the band over other seeds, and exact flip points.
const QUICK = { seeds: 1, coarse: true };
const FINE = { seeds: 1 };
const FULL = { seeds: 8 };

/** @type {(parts: ViewParts) => View} */
export function makeCurvesView({ element, page, jobs }) {
  const lead = make("p", { class: "lead" });
  const note = make("p", { class: "lead", hidden: "" }, "Read against the clean picture, not against the pinned one.");
  element.append(lead, note);
  const charts = mountCurves(element, {
    pick: (amount, { live }) => swept && page.setAmount(swept.index, amount, { live }),
  });
  /** @type {SweptStep | null} */
  let swept = null; // the step on the axis, as stepOnAxis gives it
  /** @type {string | null} */
  let drawn = null; // the question, less that step's amount, whose curves are on screen
  /** @type {string | null} */
  let pending = null; // the one whose curves are being computed
  let whole = true; // whether their band is there, or there is none, and their flip points were searched
  let side = 1; // of a slider with two sides
  /** @type {number | null} */
  let amount = null;
  /** @type {Flip[]} */
  let flips = []; // marks on the slider

  /** @type {View["update"]} */
  function update({ answer, question, live }) {
    const step = sweptStep(page.state().steps, page.activeStep());
    lead.toggleAttribute("hidden", !step);
    note.toggleAttribute("hidden", !step || !answer?.pinned);
    if (!step) {
      lead.textContent = "";
      return say("Add a distortion to see what happens while it grows.");
    }
    if (swept && (swept.index !== step.index || swept.name !== step.name)) clearMarks();
    swept = step;
    amount = question.recipe.steps[step.active]?.[1] ?? step.amount;
    side = Math.sign(amount - page.range(step).identity) || side;
    const key = keyOf(question, step);
    const distortion = page.distortion(step.name);
    const words = `What happens while ${distortion.title} grows and all else stays. Click or drag in a chart to set the amount.`;
    if (lead.textContent !== words) lead.textContent = words;
    if (key === drawn) {
      charts.stale(false);
      charts.at(amount);
      if (!live) page.markFlips(step.index, flips); // the slider may have been repainted
      if (!live && !whole && pending !== key) ask(key, question, step, FULL);
    } else if (live) {
      if (pending && pending !== key) stop();
      charts.stale(true);
      charts.at(JSON.parse(drawn ?? "{}").axis === axisOf(step) ? amount : null);
      clearMarks();
    } else if (key !== pending) ask(key, question, step, QUICK);
  }

  /** @type {(step: SweptStep) => string} */
  const axisOf = ({ index, name }) => `${index} ${name} ${side}`;

  /** @type {(question: Question, step: SweptStep) => string} */
  function keyOf({ recipe, ...rest }, step) {
    const steps = recipe.steps.map(([name, value], i) => (i === step.active ? [name] : [name, value]));
    delete rest.reference; // the curves are read against the clean picture
    return JSON.stringify({ ...rest, recipe: { ...recipe, steps }, axis: axisOf(step) });
  }

  /** @type {(key: string, question: Question, step: SweptStep, first: { seeds: number; coarse?: boolean }) => Promise<void>} */
  async function ask(key, question, step, first) {
    pending = key;
    charts.stale(first === QUICK);
    /** @type {typeof first | null} */
    let wanted = first;
    while (wanted) {
      charts.wait(0);
      /** @type {Progress} */
      const progress = (done, total) => charts.wait(total ? done / total : 0);
      const found = await jobs.run(
        "curves",
        { state: question, step_index: step.active, ...wanted },
        { key: "curves", progress },
      );
      if (pending !== key) return; // another question has superseded this one
      charts.wait(null);
      if (!found || found.error) return say(found?.error ?? null);
      charts.paint(found);
      charts.at(amount);
      drawn = key;
      /** @type {CurveModel[]} */
      const flipped = found.exact ? found.models : [];
      flips = flipped.flatMap(({ method, title, flip_point: flip }) =>
        flip === null ? [] : [{ method, title, amount: flip }],
      );
      page.markFlips(step.index, flips);
      whole = wanted === FULL || (!found.coarse && !found.random && found.exact);
      wanted = whole ? null : found.coarse ? FINE : FULL;
    }
    pending = null;
  }

  /** @type {(sentence: string | null) => void} */
  function say(sentence) {
    stop();
    clearMarks();
    drawn = null;
    if (sentence) charts.fail(sentence);
  }

  function stop() {
    pending = null;
    jobs.cancel("curves");
    charts.wait(null);
  }

  function clearMarks() {
    if (swept && swept.index < page.state().steps.length) page.markFlips(swept.index, []);
  }

  return { update, hide: stop };
}
