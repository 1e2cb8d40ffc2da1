// The table that says the same as the chart of the page "Methods": every number with where it comes from, also those that
// are hidden or lie beyond the chart. It is made when it is opened. `world()`: what the chart draws, null before that.

import { make } from "../shared/dom.js";
import { count, interval, percent, shownAmount } from "../shared/format.js";
import { SOURCES } from "./values.js";

const HEADS = ["From", "Model", "Amount", "Accuracy (95 % interval)", "n", "Seed", "Setting and source"];

export function makeNumbers({ world }) {
  const body = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "All numbers of the chart" });
  const element = make("details", {}, make("summary", {}, "The same as a table"), body);
  element.addEventListener("toggle", paint);

  function paint() {
    const shown = element.open && world();
    if (!shown) return;
    const { kind, amounts, models, points, published, live } = shown;
    const amountOf = (amount) => (amount === amounts[0] ? "clean" : shownAmount(kind, amount));
    const label = (name) => models.find((one) => one.name === name).label;
    const measured = (live?.models ?? []).flatMap(({ name, accuracy, low, high }) =>
      live.amounts.map((amount, i) => ({
        source: "live",
        model: name,
        amount,
        n: live.n,
        seed: live.seed,
        accuracy: accuracy[i],
        low: low[i],
        high: high[i],
      })),
    );
    const ours = [...measured, ...points].map((one) => [
      SOURCES[one.source],
      label(one.model),
      amountOf(one.amount),
      interval(one),
      count(one.n),
      one.seed ?? "",
      "",
    ]);
    const theirs = published.map((one) => [
      SOURCES[one.kind],
      `${one.title} · ${one.arch}`,
      one.clean ? "clean" : `${one.about ? "about " : ""}${amountOf(one.amount)}`,
      percent(one.accuracy, 1),
      one.n ? count(one.n) : "",
      "",
      `${one.setting}; ${one.source.short}, arXiv ${one.source.arxiv}. ${one.certain}`,
    ]);
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
