// The legend of the chart of the page "Methods": where the numbers come from; a press hides or shows what comes from there.

/** @import { MethodsData } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { sourceSample } from "./marks.js";
import { SOURCE_LABELS } from "./values.js";

// `hidden`: a Set of the SOURCE_LABELS left out, which a press changes; `toggled()` is called then.
/** @type {(parts: { hidden: Set<string>; toggled: () => void }) => { element: HTMLElement; paint: (data: MethodsData) => void }} */
export function makeLegend({ hidden, toggled }) {
  const help = "Where the numbers come from: choose what is shown";
  const element = make("div", { class: "m-legend", role: "group", "aria-label": help });

  /** @type {(data: MethodsData) => void} */
  function paint({ points, published, live }) {
    const focused = element.contains(document.activeElement) && document.activeElement?.getAttribute("data-source");
    /** @type {Record<string, string | null>} */
    const words = { live: live && `n = ${count(live.n)}, seed ${live.seed}` };
    for (const source of ["survey", "card"]) {
      const matching = points.filter((one) => one.source === source);
      const seeds = matching.map((one) => one.seed).filter((seed) => seed !== null);
      words[source] = matching.length
        ? `n = ${distinct(matching.map((one) => count(one.n)))}, seed ${distinct(seeds)}`
        : null;
    }
    for (const source of ["stated", "measured"]) {
      const matching = published.filter((one) => one.provenance === source);
      const papers = matching.map((one) => one.source.short);
      words[source] = matching.length ? distinct(papers, "; ") : null;
    }
    const there = Object.keys(SOURCE_LABELS).filter((source) => words[source]);
    element.replaceChildren(...there.map((source) => entry(source, words[source])));
    const again = focused && element.querySelector(`[data-source=${focused}]`); // gone where nothing is left of that source
    if (again instanceof HTMLElement) again.focus();
  }

  /** @type {(source: string, words: string | null) => HTMLElement} */
  function entry(source, words) {
    const made = make(
      "button",
      {
        class: "small-button",
        "aria-pressed": String(!hidden.has(source)),
        title: "Show or hide",
        "data-source": source,
      },
      ...[sourceSample(source), make("span", {}, SOURCE_LABELS[source]), make("small", {}, words ?? "")],
    );
    made.addEventListener("click", () => {
      if (!hidden.delete(source)) hidden.add(source);
      toggled();
    });
    return made;
  }

  return { element, paint };
}

/** @type {(values: (string | number | null)[], between?: string) => string} */
function distinct(values, between = ", ") {
  return [...new Set(values)].join(between);
}
