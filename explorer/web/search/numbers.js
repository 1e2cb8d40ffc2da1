// What each model finds at its threshold, in numbers; the intervals follow when the hand rests.

/** @import { Bootstrap, PairRun, SearchWorld, Share } from "./types.d.ts" */

import { dot, make, setText } from "../shared/dom.js";
import { count, percent } from "../shared/format.js";
import { distanceText, foundAt, intervalsAt } from "./pairs.js";

/** @type {(parts: { world: SearchWorld; choose: (model: string) => void }) => { element: HTMLElement; show: (runs: PairRun[], under: string) => void; paint: (distanceOf: (run: PairRun) => number, lead: string) => void; intervals: (distanceOf: (run: PairRun) => number, bootstrap: Bootstrap) => void }} */
export function makeNumbers({ world, choose }) {
  const heading = make("th", { scope: "col" });
  const body = make("tbody");
  const table = make(
    "table",
    { class: "x-numbers" },
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        heading,
        ...["Distance up to", "Precision", "Recall", "Pairs found"].map((text) => make("th", { scope: "col" }, text)),
      ),
    ),
    body,
  );
  const note = make("p", { class: "x-note soft" });
  const element = make("div", {}, table, note);
  /** @type {{ run: PairRun; row: HTMLElement; cells: Record<string, HTMLElement> }[]} */
  let rows = [];

  /** @type {(runs: PairRun[], under: string) => void} */
  function show(runs, under) {
    heading.textContent = under;
    rows = runs.map((run) => {
      const { title, method } = world.model(run.model);
      const name = make("button", { class: "plain" }, dot(), title);
      name.addEventListener("click", () => choose(run.model));
      const cells = Object.fromEntries(
        ["distance", "precision", "precisionSpan", "recall", "recallSpan", "pairs"].map((key) => [key, make("span")]),
      );
      const row = make(
        "tr",
        { "data-method": method },
        make("th", { scope: "row" }, name),
        make("td", {}, cells.distance),
        make("td", {}, cells.precision, make("small", {}, cells.precisionSpan)),
        make("td", {}, cells.recall, make("small", {}, cells.recallSpan)),
        make("td", {}, cells.pairs),
      );
      row.title = `Average precision ${run.average_precision.toFixed(4)}`;
      return { run, row, cells };
    });
    body.replaceChildren(...rows.map(({ row }) => row));
    const [{ pictures, total }] = runs;
    note.textContent = `Precision is among ${count(pictures)} copies and ${count(total)} other pairs: each picture with the copies of all others, ${count(pictures - 1)} for every copy. Where there are more, it is lower. Beside each share: its 95 % interval over the pictures. The other models stand where they keep the same precision.`;
  }

  /** @type {(distanceOf: (run: PairRun) => number, lead: string) => void} */
  function paint(distanceOf, lead) {
    for (const { run, row, cells } of rows) {
      const at = distanceOf(run);
      const { copies, friends, pairs, precision, recall } = foundAt(run, at);
      row.toggleAttribute("data-chosen", run.model === lead);
      setText(cells.distance, at < 0 ? "–" : distanceText(run, at));
      setText(cells.precision, pairs ? percent(precision, 1) : "–");
      setText(cells.recall, percent(recall, 1));
      setText(cells.pairs, `${count(copies)} + ${count(friends)}`);
      cells.pairs.title = `${count(copies)} copies and ${count(friends)} false friends`;
      row.dataset.stale = "";
    }
  }

  /** @type {(distanceOf: (run: PairRun) => number, bootstrap: Bootstrap) => void} */
  function intervals(distanceOf, bootstrap) {
    for (const { run, row, cells } of rows) {
      delete row.dataset.stale;
      const { precision, recall } = intervalsAt(run, distanceOf(run), bootstrap);
      cells.precisionSpan.textContent = precision ? spanned(precision) : "";
      cells.recallSpan.textContent = spanned(recall);
    }
  }

  /** @type {(share: Share) => string} */
  const spanned = ({ low, high }) => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}`;

  return { element, show, paint, intervals };
}
