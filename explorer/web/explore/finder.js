// The search for the next picture on which the models disagree: a button and what it found, in the rail and in the window
// of data sets. There is one search at a time, wherever it was started.

/** @import { ChosenRow, DataSet, Jobs, MakeFinder, Notice, Page, Progress, Question } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { count } from "../shared/format.js";

// `chosen`: { name, label, shown }, which the search begins at; `dataset()` is the data set of that name.
/** @type {(parts: { jobs: Jobs; page: Page; notice: Notice; chosen: ChosenRow; dataset: () => DataSet }) => MakeFinder} */
export function makeFinders({ jobs, page, notice, chosen, dataset }) {
  /** @type {object | null} */
  let searching = null; // the search under way

  // Whether the models shown take this data set's pictures.
  const fits = () => dataset().here && page.suits({ dataset: dataset().name });

  // `found(name, item)` takes the picture.
  return function makeFinder({ found: take }) {
    const button = make("button", { class: "small-button" });
    const status = make("small", { role: "status" });
    button.addEventListener("click", () => (searching ? cancel() : search()));

    function paint() {
      button.textContent = searching ? "Stop searching" : "Next disagreement";
      button.disabled = !searching && !fits();
      button.title = fits()
        ? "Search for the next picture that the models call by different names under these distortions"
        : "These pictures are for other models: choose one of them first";
      if (!searching) status.textContent = "";
    }

    function cancel() {
      if (!searching) return;
      searching = null;
      jobs.cancel("disagree");
      paint();
    }

    async function search() {
      const { label, shown } = chosen;
      const { name, title, rows } = dataset();
      const state = page.question();
      const mine = { name };
      searching = mine;
      paint();
      status.textContent = "Searching …";
      const after = shown?.dataset === name ? shown.index : rows - 1; // round the end: from the first row on
      /** @type {Progress} */
      const progress = (done, total) => {
        if (total) status.textContent = `${count(done)} of ${count(total)} searched`;
      };
      const question = { state, dataset: name, after, label };
      const found = await jobs.run("disagree", question, { key: "disagree", progress });
      if (searching !== mine) return;
      searching = null;
      paint();
      if (!found) return;
      /** @type {(question: Question) => string} */
      const keyOf = ({ models, recipe }) => JSON.stringify([models, recipe]);
      const where = `every picture${label ? ` of the class ${label}` : ""} of ${title}`;
      if (found.error) notice.show(found.error, { error: true });
      else if (!found.item) notice.show(`Under these distortions the models agree on ${where}.`);
      else if (keyOf(page.question()) === keyOf(state)) take(name, found.item);
      else notice.show("The distortions or models have changed meanwhile; search again.");
    }

    return { button, status, paint, cancel };
  };
}
