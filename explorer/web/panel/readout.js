// The values of curves at one amount, and all of them as a table.

/** @import { CurveModel, Curves } from "../types.d.ts" */

import { axisName } from "../shared/chart.js";
import { make } from "../shared/dom.js";
import { percent, short, shownAmount, signed } from "../shared/format.js";
import { confidenceTitle, modelTitle } from "./words.js";

/** @type {(curves: Curves, index: number) => HTMLElement[]} */
export function readoutRows(curves, index) {
  const head = make("p", {}, make("b", {}, shownAmount(curves, curves.amounts[index])));
  const rows = curves.models.map((model) =>
    make(
      "tr",
      { "data-method": model.method },
      make("th", { scope: "row" }, make("i"), modelTitle(curves, model)),
      ...cells(model, index),
    ),
  );
  const names = ["", "answer", inside(confidenceTitle(curves)), "margin", "distance"].map((name) =>
    make("th", { class: name === "answer" ? name : null }, name),
  );
  return [head, make("table", {}, make("thead", {}, make("tr", {}, ...names)), make("tbody", {}, ...rows))];
}

// A title inside a sentence or a row of names: its first letter is a small one.
/** @type {(title: string) => string} */
function inside(title) {
  return title[0].toLowerCase() + title.slice(1);
}

/** @type {(model: CurveModel, index: number) => HTMLElement[]} */
function cells(model, index) {
  const flipped = model.predictions[index] !== model.clean;
  return [
    `${flipped ? "◆" : "○"} ${model.predictions[index]}`,
    percent(model.confidence[index], 1),
    signed(model.margin[index]),
    short(model.feature_distance[index]),
  ].map((text, i) => make("td", { class: i ? null : "answer" }, text));
}

/** @type {(curves: Curves) => HTMLTableElement} */
export function tableOf(curves) {
  const names = ["answer", inside(confidenceTitle(curves)), "margin", "feature distance"];
  const top = curves.models.map((model) =>
    make("th", { colspan: names.length, scope: "colgroup" }, modelTitle(curves, model)),
  );
  const columns = curves.models.flatMap(() =>
    names.map((name) => make("th", { scope: "col", class: name === "answer" ? name : null }, name)),
  );
  const rows = curves.amounts.map((value, index) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, shownAmount(curves, value)),
      ...curves.models.flatMap((model) => cells(model, index)),
    ),
  );
  const head = make(
    "thead",
    {},
    make("tr", {}, make("th", { rowspan: 2, scope: "col" }, axisName(curves)), ...top),
    make("tr", {}, ...columns),
  );
  const words = `${curves.title}: what each model answers. ◆ flipped, ○ holds.`;
  return make("table", {}, make("caption", {}, words), head, make("tbody", {}, ...rows));
}
