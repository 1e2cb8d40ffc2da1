// What can stand around any model without training: how it is written, what it does, what one answer costs, and what was
// measured of it.

/** @import { MeasuredRemedies, Remedy, RemedyShare, RemedyTable } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { count, points } from "../shared/format.js";

/** @type {(remedies: Remedy[], measured: MeasuredRemedies | null) => HTMLElement} */
export function makeRemedies(remedies, measured) {
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
    scrolled("Remedies", head, remedies.map(makeRow)),
    ...(measured
      ? measured.tables.map(makeTable)
      : [make("p", { class: "soft" }, "Nothing was measured of them yet.")]),
    ...(measured ? [source(measured)] : []),
  );
}

/** @type {(label: string, head: string[], rows: HTMLElement[]) => HTMLElement} */
function scrolled(label, head, rows) {
  return make(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows),
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

/** @type {(table: RemedyTable) => HTMLElement} */
function makeTable({ model, data, noise, size, n, rows }) {
  const within = size < 0.1 ? `${+(255 * size).toFixed(1)}/255` : String(size);
  const head = ["Around it", "Passes", "Clean", "change", noise, "change", `Attacked, ${within}`, "Verdict"];
  return make(
    "div",
    {},
    make("h3", {}, `${model} on the first ${count(n)} test images of ${data}`),
    scrolled(
      `Remedies around ${model}`,
      head,
      rows.map((row) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", title: row.title }, row.written ? make("code", {}, row.written) : row.title),
          make("td", { class: "number" }, count(row.passes)),
          ...[row.clean, row.noise].flatMap((one) => [share(one), change(one)]),
          share(row.attacked),
          make("td", {}, row.attacked.signs.join(" ") || "no sign of masking"),
        ),
      ),
    ),
  );
}

/** @type {(one: RemedyShare) => HTMLElement} */
function share({ accuracy, low, high, n }) {
  /** @type {(share: number) => string} */
  const shown = (share) => (100 * share).toFixed(1);
  return make(
    "td",
    { title: `n = ${count(n)}` },
    make("b", {}, shown(accuracy)),
    make("small", {}, `${shown(low)} to ${shown(high)}`),
  );
}

/** @type {(one: RemedyShare) => HTMLElement} */
function change({ difference }) {
  if (!difference) return make("td", {}, "–");
  const { value, low, high } = difference;
  const sure = low > 0 || high < 0;
  return make(
    "td",
    { class: sure ? false : "inconclusive", title: sure ? null : "The interval holds 0: no difference is shown" },
    make("b", {}, `${sure ? "" : "≈ "}${points(value)}`),
    make("small", {}, `${points(low)} to ${points(high)}`),
  );
}

/** @type {(measured: MeasuredRemedies) => HTMLElement} */
function source({ command, versions }) {
  const libraries = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return make(
    "p",
    { class: "soft" },
    `In %, with 95 % intervals (Wilson; of changes paired, Tango). No training; the price of asking is the forward passes. Attacked: of the first images that are answered rightly (n under the pointer), the share that withstands every attack of that size. ${libraries.join(", ")}. Measured by `,
    make("code", {}, command),
    ".",
  );
}
