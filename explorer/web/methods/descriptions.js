// The boxes of the page "Methods": each training method's idea, formula and cost, and what its models gain and lose.

/** @import { Compared, ConditionRow, MethodGroup, MethodInfo, MethodModel } from "../types.d.ts" */

import { dot, make } from "../shared/dom.js";
import { count, percent, points } from "../shared/format.js";

/** @type {(title: string) => string} */
const whole = (title) => title.replaceAll(" = ", "\u00a0=\u00a0"); // no line ends inside an amount

// `show(distortion)` shows a distortion in the chart above.
/** @type {(parts: { element: HTMLElement; show: (distortion: string) => void }) => { paint: (group: MethodGroup, titleOf: (distortion: string) => string) => void }} */
export function makeDescriptions({ element, show }) {
  /** @type {(group: MethodGroup, titleOf: (distortion: string) => string) => void} */
  function paint(group, titleOf) {
    const most = Math.max(
      0.01,
      ...group.methods.flatMap((one) =>
        one.models.flatMap((model) => model.rows.map((row) => Math.abs(row.difference ?? 0))),
      ),
    );
    element.replaceChildren(...group.methods.map((one) => box(one, group, most, titleOf)));
  }

  /** @type {(method: MethodInfo, group: MethodGroup, most: number, titleOf: (distortion: string) => string) => HTMLElement} */
  function box(method, group, most, titleOf) {
    const { source } = method;
    const parts = [make("header", {}, dot(), make("h3", {}, method.title))];
    if (source)
      parts.push(
        make(
          "p",
          { class: "m-paper" },
          make(
            "a",
            { href: `https://arxiv.org/abs/${source.arxiv}`, target: "_blank", rel: "noreferrer" },
            source.title,
          ),
          `${source.short}, arXiv ${source.arxiv}`,
        ),
      );
    if (method.summary)
      parts.push(make("p", {}, method.summary), ...formulas(method), make("p", { class: "soft" }, method.symbols));
    else parts.push(make("p", { class: "soft" }, "Nothing is written about this method yet; its numbers are below."));
    const facts = make("dl", {});
    /** @type {(name: string, ...words: (string | HTMLElement)[]) => void} */
    const fact = (name, ...words) => facts.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...words)));
    if (method.cost) fact("Training", method.cost);
    if (method.models.length) fact("Asking", asking(method.models));
    for (const model of method.models.filter((one) => !one.baseline && one.rows.length))
      fact(`Reaches${suffix(model)}`, reached(model));
    for (const model of method.models.filter((one) => one.baseline && compared(one).length)) {
      fact(`Gains${suffix(model)}`, sum(model, 1));
      fact(`Loses${suffix(model)}`, sum(model, -1));
    }
    for (const model of method.models) fact(`Robust or masked?${suffix(model)}`, model.masking.help);
    if (method.published)
      fact(
        "Published",
        `${method.published} values of others on ${group.title} are known, each a mark under its own distortion.`,
      );
    if (method.caution)
      fact(
        "Beware",
        method.caution,
        ...(method.shown_by ? [" ", showButton(method.shown_by, titleOf(method.shown_by))] : []),
      );
    parts.push(facts);
    if (!method.models.length)
      parts.push(make("p", { class: "m-none" }, `No shipped model of this method on ${group.title} yet.`));
    parts.push(
      ...method.models.map((model) =>
        model.rows.length ? table(model, most) : make("p", { class: "m-none" }, `${model.name}: not measured.`),
      ),
    );
    return make("article", { class: "m-method", "data-method": method.method, "aria-label": method.title }, ...parts);
  }

  /** @type {(models: MethodModel[]) => string} */
  function asking(models) {
    const passes = Math.max(...models.map((model) => model.passes));
    return passes === 1 ? "1 forward pass per answer." : `${count(passes)} forward passes per answer.`;
  }

  /** @type {(model: MethodModel) => string} */
  const suffix = (model) => (model.subtitle ? `, ${model.subtitle}` : "");

  // The formulas are MathML of ours, from the server's own list, never of a person's writing.
  /** @type {(method: MethodInfo) => HTMLElement[]} */
  function formulas({ formulas: all }) {
    return all.map(([inside, said]) => {
      const template = document.createElement("template");
      template.innerHTML = `<math display="block">${inside}</math>`;
      const math = template.content.children[0];
      math.setAttribute("aria-label", said);
      return make("div", { class: "m-formula" }, math);
    });
  }

  // The conditions under which the baseline was measured, too.
  /** @type {(model: MethodModel) => Compared[]} */
  const compared = ({ rows }) =>
    rows.flatMap((row) => (row.difference === null ? [] : [{ ...row, difference: row.difference }]));

  /** @type {(rows: ConditionRow[]) => string} */
  const how = (rows) => (rows.every((row) => row.paired) ? "paired" : "unpaired: cards of other versions");

  // The differences from the baseline in one direction that interval and test call one, the largest first.
  /** @type {(model: MethodModel, sign: number) => HTMLElement | string} */
  function sum(model, sign) {
    const rows = compared(model);
    const conclusive = rows.filter((row) => row.sign === sign).sort((a, b) => sign * (b.difference - a.difference));
    const n = count(Math.max(...rows.map((row) => row.n)));
    if (!conclusive.length) return `no difference that n = ${n} images show (${rows.length} conditions, ${how(rows)}).`;
    const [first] = conclusive;
    const clean = conclusive.find((row) => row.title === "Clean");
    const also = clean && clean !== first ? `; clean ${points(clean.difference)}` : "";
    const where = first.title === "Clean" ? "on clean images" : `under ${whole(first.title)}`;
    return make(
      "span",
      {},
      conclusive.length > 1 ? "up to " : "",
      make("b", {}, `${points(first.difference)} points`),
      ` ${where}${also}; ${conclusive.length} of ${rows.length} conditions, ${conclusive.filter((row) => row.holm).length} after Holm's correction; n = ${n}, ${how(rows)}.`,
    );
  }

  // What a model without a baseline reaches: on clean images, and at worst.
  /** @type {(model: MethodModel) => HTMLElement} */
  function reached({ rows }) {
    /** @type {(row: ConditionRow) => HTMLElement} */
    const share = (row) => make("b", {}, percent(row.accuracy, 1));
    const clean = rows.find((row) => row.title === "Clean") ?? rows[0];
    const worst = rows.reduce((found, row) => (row.accuracy < found.accuracy ? row : found));
    const n = count(clean.n);
    return make(
      "span",
      {},
      share(clean),
      ` ${clean.title.toLowerCase()}`,
      ...(worst === clean ? [] : [", ", share(worst), ` under ${whole(worst.title)}`]),
      `; n = ${n}.`,
    );
  }

  /** @type {(name: string, title: string) => HTMLElement} */
  function showButton(name, title) {
    const made = make("button", { class: "plain" }, `Show ${title}`);
    made.addEventListener("click", () => show(name));
    return made;
  }

  // All conditions of a card: how far each lies from the baseline's, to the right what is gained, to the left what is lost.
  /** @type {(model: MethodModel, most: number) => HTMLElement} */
  function table({ rows, baseline, name, options }, most) {
    const settings = Object.entries(options)
      .map(([key, value]) => `${key} ${value}`)
      .join(", ");
    const caption = baseline
      ? "Points gained (right) or lost (left) against the standard model; * survives Holm's correction for all rows"
      : "Accuracy";
    const body = rows.map((row) => {
      const conclusive = row.difference === null || row.sign !== 0;
      const bar = make("i", {});
      const share = row.difference === null ? row.accuracy : row.difference / most / 2;
      if (!baseline || row.difference !== null)
        bar.style.cssText =
          row.difference === null
            ? `left: 0; width: ${100 * share}%`
            : `left: ${50 + 100 * Math.min(share, 0)}%; width: ${100 * Math.abs(share)}%`;
      const words = row.difference === null ? percent(row.accuracy, 1) : points(row.difference);
      const title = `${percent(row.accuracy, 2)} of n = ${count(row.n)}${row.difference === null ? "" : `; 95 % interval of the difference ${points(row.low)} to ${points(row.high)}, ${how([row])}${conclusive ? "" : "; no difference by interval and test"}`}`;
      return make(
        "tr",
        { title, ...(conclusive ? {} : { class: "inconclusive" }) },
        make("th", { scope: "row" }, row.title),
        make("td", { class: baseline ? "bar both" : "bar" }, bar),
        make("td", {}, conclusive ? `${words}${row.holm ? "*" : ""}` : `≈ ${words}`),
      );
    });
    const foot = make("small", {}, `${name}${settings ? ` · ${settings}` : ""}`);
    return make(
      "figure",
      { class: "m-table" },
      make("table", {}, make("caption", {}, caption), make("tbody", {}, ...body)),
      foot,
    );
  }

  return { paint };
}
