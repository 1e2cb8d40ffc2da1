// How far each stage's features moved, as two bars for each model: the angle and the distance.

/** @import { Bar, ModelAnswer, Page } from "../../types.d.ts" */

import { dot, make } from "../../shared/dom.js";
import { degrees, measured } from "../../shared/format.js";
import { named, titleOf } from "./titles.js";

const ANGLE =
  "The angle between the clean and the distorted features of this stage: arccos of their cosine similarity, in degrees. 0°: the same direction; it does not depend on how large the features are.";
const LENGTH =
  "The distance between the clean and the distorted features of this stage: ‖f(x′) − f(x)‖₂. It grows with the number of features, so compare it within a stage.";
export const HELP = `${ANGLE} ${LENGTH}`;

// `choose(layer)` is called when a stage's name is pressed.
/** @type {(parts: { page: Page; choose: (layer: string) => void }) => { element: HTMLElement; paint: (models: ModelAnswer[], live: boolean) => string[]; mark: (layer: string | null) => void }} */
export function makeBars({ page, choose }) {
  const table = make("table");
  /** @type {string | null} */
  let drawn = null; // the models and stages that the rows are for
  /** @type {{ model: string; layer: string; angle: Bar; l2: Bar }[]} */
  let cells = [];
  let longest = 1;

  /** @type {(models: ModelAnswer[], layers: string[]) => void} */
  function build(models, layers) {
    const head = make(
      "tr",
      {},
      make("th", { scope: "col" }, "stage"),
      make("th", { scope: "col" }, "model"),
      make("th", { scope: "col", title: ANGLE }, "angle"),
      make("th", { scope: "col", title: LENGTH }, "distance, L2"),
    );
    cells = [];
    const bodies = layers.map((name) => {
      const shownModels = models.filter((model) => name in model.feature_distance);
      const button = make("button", { "data-layer": name, title: `Show the channels of ${named(name)}` }, named(name));
      button.addEventListener("click", () => choose(name));
      const rows = shownModels.map((model) => {
        const [angle, l2] = [makeBar(), makeBar()];
        cells.push({ model: model.name, layer: name, angle, l2 });
        return make(
          "tr",
          { "data-method": model.method },
          make("td", {}, dot(), titleOf(page, model.name)),
          angle.cell,
          l2.cell,
        );
      });
      rows[0].prepend(make("th", { scope: "rowgroup", rowspan: String(shownModels.length) }, button));
      return make("tbody", {}, ...rows);
    });
    table.replaceChildren(make("thead", {}, head), ...bodies);
  }

  /** @type {() => Bar} */
  function makeBar() {
    const [bar, text] = [make("i"), make("b")];
    return { bar, text, cell: make("td", { class: "bar" }, make("span", { class: "track" }, bar), text) };
  }

  /** @type {(models: ModelAnswer[], live: boolean) => string[]} */
  function paint(models, live) {
    const layers = [...new Set(models.flatMap((model) => Object.keys(model.feature_distance)))];
    const key = JSON.stringify([layers, models.map(({ name, method }) => [name, method])]);
    if (key !== drawn) build(models, layers);
    drawn = key;
    const all = models.flatMap((model) => Object.values(model.feature_distance));
    const [far, wide] = [Math.max(1e-9, ...all.map(({ l2 }) => l2)), Math.max(0, ...all.map(degrees)) > 90 ? 180 : 90];
    longest = live ? Math.max(longest, far) : far; // during a drag the scale only grows
    const byName = Object.fromEntries(models.map((model) => [model.name, model.feature_distance]));
    for (const { model, layer, angle, l2 } of cells) {
      const found = byName[model][layer];
      set(angle, degrees(found) / wide, `${degrees(found).toFixed(1)}°`);
      set(l2, found.l2 / longest, measured(found.l2));
    }
    return layers;
  }

  /** @type {(bar: Bar, part: number, words: string) => void} */
  function set({ bar, text }, part, words) {
    bar.style.width = `${(100 * part).toFixed(2)}%`;
    text.textContent = words;
  }

  /** @type {(layer: string | null) => void} */
  function mark(layer) {
    for (const button of table.querySelectorAll("button[data-layer]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-layer") === layer));
    }
  }

  return { element: table, paint, mark };
}
