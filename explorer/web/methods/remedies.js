// What can stand around any model without training: how it is written, what it does, and what one answer costs.

/** @import { Remedy } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { count } from "../shared/format.js";

/** @type {(remedies: Remedy[]) => HTMLElement} */
export function makeRemedies(remedies) {
  const head = ["Remedy", "What it does", "Written behind a model's name", "Forward passes"];
  return make(
    "section",
    { class: "m-box m-everyday m-remedies" },
    make("h2", {}, "Around a model, without training"),
    make(
      "p",
      { class: "soft" },
      "They stand around any network and cost forward passes instead of training. Attacks on a model go through them. Measure them under the model's whole name: explorer evaluate, explorer masking.",
    ),
    make(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Remedies" },
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
        make("tbody", {}, ...remedies.map(makeRow)),
      ),
    ),
  );
}

/** @type {(remedy: Remedy) => HTMLElement} */
function makeRow({ title, help, source, written, passes }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row", title: source }, title),
    make("td", {}, help),
    make("td", {}, make("code", {}, written)),
    make("td", { class: "number" }, count(passes)),
  );
}
