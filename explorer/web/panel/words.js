// What curves say in words. Nothing here touches the page; curves.js describes `curves`.

/** @import { CurveModel, Curves } from "../types.d.ts" */

import { partOf } from "../shared/chart.js";
import { cut, shownAmount } from "../shared/format.js";

/** @type {(curves: Curves) => string} */
export function confidenceTitle(curves) {
  const followed = new Set(curves.models.map((model) => model.followed));
  return followed.size === 1 ? `Confidence in “${cut([...followed][0], 24)}”` : "Confidence in the clean answer";
}

/** @type {(curves: Curves, model: CurveModel) => string} */
export function flipWords(curves, { flip_point: flip }) {
  return flip === null ? "○ holds throughout" : `◆ ${flipsAt(curves, flip)}`;
}

// Only a flip point that was searched (`exact`) is one amount; else it is known to lie between two of the curves'.
/** @type {(curves: Curves, flip: number) => string} */
export function flipsAt(curves, flip) {
  const index = curves.amounts.indexOf(flip);
  if (index === 0) return "flipped by the rest of the chain";
  if (curves.exact || index < 0) return `flips at ${shownAmount(curves, flip)}`;
  return `flips between ${shownAmount(curves, curves.amounts[index - 1])} and ${shownAmount(curves, flip)}`;
}

/** @type {(curves: Curves, model: CurveModel) => string} */
export function flipHelp(curves, model) {
  const flip = model.flip_point;
  const rest = flip === curves.amounts[0];
  const words = flip === null ? "" : flipsAt(curves, flip);
  const known = rest ? `its answer is ${words}` : `its answer ${words} for the first time`;
  const first = flip === null ? "its answer never changes on this slider" : known;
  if (!model.band) return `${first}.`;
  const found = model.band.flip_points.flatMap((value) => (value === null ? [] : [value]));
  if (!found.length) return `${first}; it holds with all ${model.band.n} seeds.`;
  const ends = found.map((value) => partOf(curves, value));
  const shown = [Math.min(...ends), Math.max(...ends)].map((end) => shownAmount(curves, found[ends.indexOf(end)]));
  const among = `of the ${curves.amounts.length} amounts drawn, the first flipped one lies between ${shown[0]} and ${shown[1]}`;
  return `${first}; it flips with ${found.length} of ${model.band.n} seeds: ${among}.`;
}

// Two models of one method are told apart by their architecture.
/** @type {<M extends { name: string; title: string }>(all: { models: M[] }, model: M) => string} */
export function modelTitle({ models }, model) {
  const alone = models.filter((other) => other.title === model.title).length === 1;
  const parts = model.name.split("/");
  return alone || parts.length < 2 ? model.title : `${model.title} · ${parts.at(-2)}`;
}
