// The table that says the same as the chart of the page "Methods": every number with where it comes from, also those that
// are hidden or lie beyond the chart. It is made when it is opened. `world()`: what the chart draws, null before that.

/** @import { LiveModel, LiveValues, MethodsData, PointValue } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { count, interval, percent, shownAmount } from "../shared/format.js";
import { SOURCE_LABELS } from "./values.js";

const HEADS = ["From", "Model", "Amount", "Accuracy (95 % interval)", "n", "Seed", "Setting and source"];

/** @type {(parts: { world: () => MethodsData | null }) => { element: HTMLElement; paint: () => void }} */
export function makeNumbers({ world }) {
  const body = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "All numbers of the chart" });
  const element = make("details", {}, make("summary", {}, "The same as a table"), body);
  element.addEventListener("toggle", paint);

  function paint() {
    const shown = element.open && world();
    if (!shown) return;
    const { distortion, amounts, models, points, published, live } = shown;
    /** @type {(amount: number) => string} */
    const amountOf = (amount) => (amount === amounts[0] ? "clean" : shownAmount(distortion, amount));
    /** @type {(name: string) => string | undefined} */
    const label = (name) => models.find((one) => one.name === name)?.label;
    const here = live ? live.models.flatMap((model) => valuesOf(model, live)) : [];
    const ours = [...here, ...points].map((one) => [
      SOURCE_LABELS[one.source],
      label(one.model),
      amountOf(one.amount),
      interval(one),
      count(one.n),
      one.seed ?? "",
      "",
    ]);
    const theirs = published.map((one) => [
      SOURCE_LABELS[one.provenance],
      `${one.title} · ${one.arch}`,
      one.clean ? "clean" : `${one.about ? "about " : ""}${amountOf(one.amount)}`,
      percent(one.accuracy, 1),
      one.n ? count(one.n) : "",
      "",
      `${one.setting}; ${one.source.short}, arXiv ${one.source.arxiv}. ${one.certain}`,
    ]);
    /** @type {(cells: (string | number | undefined)[]) => HTMLElement} */
    const row = (cells) =>
      make(
        "tr",
        {},
        ...cells.map((cell, i) => make(i === 1 ? "th" : "td", i === 1 ? { scope: "row" } : {}, String(cell))),
      );
    const head = make("tr", {}, ...HEADS.map((name) => make("th", { scope: "col" }, name)));
    body.replaceChildren(
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...[...ours, ...theirs].map(row))),
    );
  }

  return { element, paint };
}

// What was measured of one model, as points.
/** @type {(model: LiveModel, live: LiveValues) => (Omit<PointValue, "source"> & { source: string })[]} */
function valuesOf({ name, accuracy, low, high }, { amounts, n, seed }) {
  return amounts.map((amount, i) => {
    return { source: "live", model: name, amount, n, seed, accuracy: accuracy[i], low: low[i], high: high[i] };
  });
}
