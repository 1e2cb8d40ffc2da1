// The table of Zheng et al. on photographs, as it was measured: a row per everyday step, columns per model.

/** @import { EverydayCell, EverydayTable } from "../types.d.ts" */

import { dot, make } from "../shared/dom.js";
import { count, points } from "../shared/format.js";

/** @type {(table: EverydayTable) => HTMLElement} */
export function makeEveryday({ models, rows, title, n, seed, command, versions }) {
  const several = models.length > 1;
  const tops = models.flatMap((_, i) => ["top-1", "top-5", ...(i && several ? ["change of top-1"] : [])]);
  const head = make(
    "thead",
    {},
    make(
      "tr",
      {},
      make("th", { scope: "col", rowspan: 2 }, "Photograph"),
      ...models.map(({ name, method, title: called }, i) =>
        make(
          "th",
          { scope: "colgroup", colspan: i && several ? 3 : 2, "data-method": method, title: name },
          dot(),
          called,
        ),
      ),
    ),
    make("tr", {}, ...tops.map((text) => make("th", { scope: "col" }, text))),
  );
  const body = make(
    "tbody",
    {},
    ...rows.map(({ condition, recipe, cells }) =>
      make("tr", {}, make("th", { scope: "row", title: recipe }, condition), ...cells.flatMap(cellsOf)),
    ),
  );
  const libraries = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return make(
    "section",
    { class: "m-box m-everyday", "aria-label": "Everyday steps on photographs" },
    make("h2", {}, "Everyday steps on photographs"),
    make(
      "p",
      { class: "soft" },
      "The conditions of Zheng et al. (2016, arXiv 1604.04326): a JPEG file of quality 50, a thumbnail and a crop, made of the photograph; each network then fits it. ",
      "The paper does not state the thumbnail's area; here it is that of 64 × 64 px.",
    ),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" }, make("table", {}, head, body)),
    make(
      "p",
      { class: "soft" },
      `In %, with 95 % intervals (Wilson; of changes paired, Tango). ${title}, n = ${count(n)}, seed ${seed}; ${libraries.join(", ")}. Measured by `,
      make("code", {}, command),
      ".",
    ),
  );
}

/** @type {(cell: EverydayCell) => HTMLElement[]} */
function cellsOf({ top1, top5, difference }) {
  /** @type {(share: number) => string} */
  const shown = (share) => (100 * share).toFixed(1);
  const shares = [top1, top5].map(({ accuracy, low, high }) =>
    make("td", {}, make("b", {}, shown(accuracy)), make("small", {}, `${shown(low)} to ${shown(high)}`)),
  );
  if (!difference) return shares;
  const { value, low, high } = difference;
  const sure = low > 0 || high < 0;
  const words = sure ? "" : "≈ ";
  return [
    ...shares,
    make(
      "td",
      { class: sure ? false : "inconclusive", title: sure ? null : "The interval holds 0: no difference is shown" },
      make("b", {}, `${words}${points(value)}`),
      make("small", {}, `${points(low)} to ${points(high)}`),
    ),
  ];
}
