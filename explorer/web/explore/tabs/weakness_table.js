// The table of the tab "Weak spots": a row per distortion, sorted by any column.

/** @import { Page, RecipeStep, Weakness, WeaknessQuestion, WeaknessRow } from "../../types.d.ts" */

import { dot, find, make, makeEdges, targetOf } from "../../shared/dom.js";
import { measured, percent } from "../../shared/format.js";
import { titleOf } from "./titles.js";
import { along, captionOf, compareRows, tidy } from "./weakness_words.js";

const STALE = "These are of another picture, seed or other models; ask again.";
/** @type {Record<string, string>} */
const HELP = {
  title: "Choose a row to see it: its distortion is put on.",
  share: "The smallest amount that does it, and how far along the slider that is from its mild end.",
  severity:
    "On the published scale, of CIFAR-10-C for pictures up to 64 px and of ImageNet-C for larger ones: 1 mild to 5 strong, a + beyond it. Where nothing is published, a dash.",
  l2: "How far the picture is from the clean one: the root of the summed squared differences of all values, √Σ(x′ − x)². Weak spots are ranked by it.",
  psnr: "Peak signal-to-noise ratio, 10 log₁₀(1 / mean squared difference), in decibels: the higher, the closer to the clean picture.",
  ssim: "Structural similarity: 1 is the same picture.",
};
const NAMES = { title: "Distortion", share: "Amount", severity: "Severity", l2: "L2", psnr: "PSNR", ssim: "SSIM" };

// `put(row)` puts the distortion of a row on.
/** @type {(parts: { page: Page; put: (row: Weakness) => void }) => { element: HTMLElement; begin: (question: WeaknessQuestion) => void; add: (found: Weakness) => void; rows: () => Weakness[]; paint: (steps: RecipeStep[], stale: boolean) => void }} */
export function makeWeaknessTable({ page, put }) {
  const table = make("table");
  const scroll = make("div", { class: "scroll" }, table);
  const element = makeEdges(scroll);
  /** @type {WeaknessRow[]} */
  let rows = [];
  /** @type {WeaknessQuestion | null} */
  let current = null;
  let sorting = { by: "l2", down: false };
  table.addEventListener("keydown", walk);

  // Another question is asked: no row yet.
  /** @type {(question: WeaknessQuestion) => void} */
  function begin(question) {
    current = question;
    rows = [];
    sorting = { by: "l2", down: false };
    const fixed = Object.entries(NAMES).map(([by, text]) => makeHead(by, text, HELP[by]));
    const models = question.models.map((name) => {
      const title = titleOf(page, name);
      const help = `What ${title} answers at that amount, and where its own answer changes first`;
      return makeHead(name, title, help, page.method(name));
    });
    const head = make("thead", {}, make("tr", {}, ...fixed, ...models));
    scroll.classList.toggle("many", question.models.length > 3);
    table.replaceChildren(make("caption", {}, caption(question)), head, make("tbody"));
    sort();
  }

  /** @type {(question: WeaknessQuestion) => string} */
  const caption = ({ goal, chain, models }) =>
    captionOf({ goal, chain, baseline: titleOf(page, models[0]) }, page.distortion);

  /** @type {(by: string, text: string, help: string, method?: string) => HTMLElement} */
  function makeHead(by, text, help, method) {
    const button = make("button", { title: `${help} Click to sort.` }, text);
    if (method) button.prepend(dot());
    button.addEventListener("click", () => {
      sorting = { by, down: sorting.by === by && !sorting.down };
      sort();
    });
    return make("th", { scope: "col", "data-by": by, "data-method": method || null }, button);
  }

  /** @type {(found: Weakness) => void} */
  function add(found) {
    rows.push(makeRow(found));
    sort();
  }

  function sort() {
    const { by, down } = sorting;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    rows.sort((a, b) => compareRows(a, b, by, down));
    table.tBodies[0].replaceChildren(...rows.map((row) => row.element));
    for (const cell of table.tHead?.rows[0].cells ?? []) {
      if (cell.dataset.by === by) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    if (table.contains(focused)) focused?.focus({ preventScroll: true }); // moving an element takes its focus away
  }

  // `steps`: the chain that is on; `stale`: the rows are of another question.
  /** @type {(steps: RecipeStep[], stale: boolean) => void} */
  function paint(steps, stale) {
    if (!current) return;
    scroll.classList.toggle("stale", stale);
    for (const row of rows) {
      const on = !stale && JSON.stringify(row.steps) === JSON.stringify(steps);
      row.button.disabled = stale;
      row.button.setAttribute("aria-pressed", String(on));
    }
    find(table, "caption").textContent = stale ? STALE : caption(current);
  }

  /** @type {(found: Weakness) => WeaknessRow} */
  function makeRow(found) {
    const { title, amount, share, severity, published, input } = found;
    const shown = tidy(found.shown);
    const button = make("button", { "aria-pressed": "false" }, title);
    button.title = `Put on ${title}${amount === null ? " at the strongest amount that was tried" : `, ${shown}`}`;
    const strength = severity === null ? null : severity > 5 + 1e-9 ? "5+" : severity.toFixed(1);
    const psnr = input === null ? null : input.psnr === null ? "∞" : `${input.psnr.toFixed(1)} dB`;
    const ssim = input ? input.ssim.toFixed(3).replace("-", "−") : null;
    const far = cell(input && measured(input.l2));
    const severityCell = cell(strength);
    if (published) severityCell.title = `${published} severity`;
    // their columns are left out where it is narrow
    if (input)
      far.title = `PSNR ${psnr}, SSIM ${ssim}${strength === null ? "" : `, ${published} severity ${strength}`}`;
    const models = current?.models ?? [];
    const line = make(
      "tr",
      { class: amount === null ? "missing" : null },
      make("th", { scope: "row" }, button),
      ...[amountCell(found), severityCell, far, cell(psnr), cell(ssim)],
      ...models.map((model) => modelCell(found, model)),
    );
    const range = page.range({ name: found.distortion });
    const flips = models.map((model) => {
      const point = found.flip_points[model];
      return [model, point === null ? null : along(range, point)];
    });
    const moved = input ?? { l2: null, ssim: null, psnr: null };
    const decibels = input && (input.psnr ?? Infinity);
    const values = { title, share, severity, l2: moved.l2, psnr: decibels, ssim: moved.ssim };
    const row = { ...found, values: { ...values, ...Object.fromEntries(flips) }, element: line, button };
    line.addEventListener("click", () => !button.disabled && put(row));
    return row;
  }

  /** @type {(found: Weakness, model: string) => HTMLElement} */
  function modelCell({ flips, moved, predictions }, model) {
    const point = flips[model] === null ? "holds throughout" : `flips at ${tidy(flips[model])}`;
    return make(
      "td",
      { "data-method": page.method(model), class: `model ${moved[model] ? "flipped" : "holds"}` },
      make("b", {}, `${moved[model] ? "◆" : "○"} ${predictions[model]}`),
      ...[" ", make("small", {}, point)],
    );
  }

  // Up and down go from row to row.
  /** @type {(event: KeyboardEvent) => void} */
  function walk(event) {
    const target = targetOf(event);
    const at = rows.findIndex((row) => row.button.contains(target));
    /** @type {Record<string, number>} */
    const keys = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    const to = keys[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    rows[to]?.button.focus();
  }

  return { element, begin, add, rows: () => rows, paint };
}

/** @type {(text: string | null) => HTMLElement} */
function cell(text) {
  return text === null ? make("td", { class: "none" }, "–") : make("td", {}, text);
}

/** @type {(found: Weakness) => HTMLElement} */
function amountCell({ amount, share, shown }) {
  if (amount === null) return make("td", { class: "none much" }, "not found");
  const made = make("td", { class: "much" }, tidy(shown) ?? "", " ", make("small", {}, percent(share)));
  made.style.setProperty("--share", share.toFixed(3));
  return made;
}
