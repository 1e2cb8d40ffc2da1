// The matrix of the tab "Attacks": in each row one attack, in each column a model that is shown its pixels.

/** @import { AttackAnswer, AttackCell, Page } from "../../types.d.ts" */

import { dot, make, makeEdges, targetOf } from "../../shared/dom.js";
import { percentOrLess } from "../../shared/format.js";
import { titleOf } from "./titles.js";

const HELP =
  "Each row is one attack, computed against the model at its left; each column is a model that is shown its pixels. Choose a cell to see those pixels above.";
const TRUST = "Signs that an attack on a model fails for want of searching well, not because the model is stable";
const CALM = "No sign that the attack is weaker than it looks.";

// What came out, in a sentence.
/** @type {(answer: AttackAnswer) => string} */
export function summary({ title, shown, models, cells }) {
  const targets = models.filter((_, i) => cells[i][i].flipped).length;
  const others = cells.flatMap((row, i) => row.filter((_, j) => j !== i));
  const fools = `${title} at ${shown} fools ${targets} of ${models.length} models that it is crafted on`;
  if (!others.length) return `${fools}.`;
  const fooled = others.filter((cell) => cell.flipped).length;
  return `${fools}, and in ${fooled} of ${others.length} cases a model that it is not crafted on.`;
}

// The cells of a matrix that can be pressed, row by row.
/** @type {(element: HTMLElement) => HTMLElement[]} */
export function cellsOf(element) {
  return [...element.querySelectorAll("button[data-row]")].map((cell) => /** @type {HTMLElement} */ (cell));
}

// `chosen(answer, i)` is called when the pixels crafted on model i are to be shown.
/** @type {(answer: AttackAnswer, parts: { page: Page; chosen: (answer: AttackAnswer, i: number) => void }) => HTMLElement[]} */
export function drawMatrix(answer, { page, chosen }) {
  const { models, clean, cells, followed } = answer;
  /** @type {(name: string, scope: string) => HTMLElement} */
  const named = (name, scope) =>
    make("th", { "data-method": page.method(name) ?? "", scope }, dot(), titleOf(page, name));
  const corner = make("td", { class: "corner" }, "crafted on ↓   shown to →");
  const head = make("tr", {}, corner, ...models.map((name) => named(name, "col")));
  const unchanged = clean.map((cell, j) => make("td", {}, ...words(cell, followed[j])));
  const first = make("tr", { class: "clean" }, make("th", { scope: "row" }, "no attack"), ...unchanged);
  const rows = models.map((name, i) => {
    const row = cells[i].map((cell, j) => drawCell(answer, cell, i, j));
    return make("tr", {}, named(name, "row"), ...row);
  });

  /** @type {(all: AttackAnswer, cell: AttackCell, i: number, j: number) => HTMLElement} */
  function drawCell({ title }, cell, i, j) {
    const [from, to] = [titleOf(page, models[i]), titleOf(page, models[j])];
    const [state, became] = cell.flipped ? ["flipped", "flipped to"] : ["holds", "holds,"];
    const told = `${became} ${cell.answer}, ${followed[j]} ${percentOrLess(cell.confidence)}`;
    const label = `${title} crafted on ${from}, shown to ${to}: ${told}`;
    const attributes = { "aria-label": label, title: `See the pixels crafted on ${from}`, "data-row": i };
    const badge = make("span", { class: `badge ${state}` }, state);
    const button = make("button", { ...attributes, tabindex: i || j ? -1 : 0 }, badge, ...words(cell, followed[j]));
    button.addEventListener("click", () => chosen(answer, i));
    return make("td", { "data-method": page.method(models[j]) ?? "", class: i === j ? "own" : "" }, button);
  }

  const caption = make("caption", { title: HELP }, `${answer.title}, ${answer.shown}: what each model answers`);
  const table = make("table", {}, caption, make("thead", {}, head), make("tbody", {}, first, ...rows));
  table.addEventListener("keydown", (event) => walk(event, cellsOf(table), models.length));
  const scroll = makeEdges(make("div", { class: "scroll" }, table));
  return [scroll, make("p", { class: "soft" }, HELP), drawSigns(answer, page)];
}

/** @type {(cell: AttackCell, followed: string) => (HTMLElement | string)[]} */
function words(cell, followed) {
  const help = `Probability of ${followed}; margin ${cell.margin.toFixed(2)}`;
  const share = make("small", { title: help }, `${followed}: ${percentOrLess(cell.confidence)}`);
  return [make("strong", {}, cell.answer), " ", share];
}

// The arrow keys go from cell to cell; one of them is reached by Tab.
/** @type {(event: KeyboardEvent, all: HTMLElement[], across: number) => void} */
function walk(event, all, across) {
  const at = all.indexOf(targetOf(event));
  const to = walkTo(event.key, at, across);
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  if (!all[to]) return;
  all[at].tabIndex = -1;
  all[to].tabIndex = 0;
  all[to].focus();
}

// The cell that a key leads to in a table of `across` columns, perhaps beyond it; undefined for other keys.
/** @type {(key: string, at: number, across: number) => number | undefined} */
export function walkTo(key, at, across) {
  const column = at % across;
  /** @type {Record<string, number>} */
  const to = {
    ArrowRight: column < across - 1 ? at + 1 : at,
    ArrowLeft: column ? at - 1 : at,
    ArrowDown: at + across,
    ArrowUp: at - across,
    Home: at - column,
    End: at - column + across - 1,
  };
  return to[key];
}

// Per model, whether there are signs that the attack on it failed for want of searching well.
/** @type {(answer: AttackAnswer, page: Page) => HTMLElement} */
function drawSigns({ models, sanity }, page) {
  const items = models.map((name, i) => {
    const { zero_gradient, saturated, falls, undone } = sanity[i];
    const all = [zero_gradient, saturated, falls, undone];
    const raised = all.filter((sign) => sign.raised);
    const bad = raised.map(({ sentence }) =>
      make("p", { class: "raised" }, make("b", { "aria-hidden": "true" }, "! "), sentence),
    );
    const good = all.map(({ sentence }) => make("p", {}, sentence));
    const told = raised.length ? bad : [make("details", {}, make("summary", {}, CALM), ...good)];
    const title = make("span", { class: "name" }, dot(), titleOf(page, name));
    return make("li", { "data-method": page.method(name) ?? "" }, title, make("div", {}, ...told));
  });
  const heading = make("h4", { title: TRUST }, "Can the attack be trusted?");
  return make("section", {}, heading, make("ul", { class: "flags" }, ...items));
}
