// The pane "Accuracy": shares of right answers against the amount, with intervals and an exact paired test. A click on an amount
// shows the cases behind it.

/** @import { AccuracyRow, Pane, PaneParts, Side, SurveyDistortion } from "../types.d.ts" */

import { axisName, dash, drawFrame, EDGES, pathOf, TALL } from "../shared/chart.js";
import { make, svg } from "../shared/dom.js";
import { interval, percent, plain, points } from "../shared/format.js";
import { SIDES } from "./address.js";

const [WIDE, RIGHT, BELOW] = [340, 14, 56]; // px: of a chart, right of its lines, and below them
/** @type {Record<Side, number>} */
const SHIFT = { baseline: -3, other: 3 }; // px between the two models' intervals

/** @type {(parts: PaneParts) => Pane} */
export function makeAccuracy({ element, world }) {
  const lead = make("p", { class: "lead" });
  const body = make("div", { class: "f-charts" });
  const rows = make("tbody");
  const heads = [
    "Distortion",
    "Amount",
    "Cases",
    "Baseline",
    "Other",
    "Difference",
    "Only baseline fails",
    "Only other fails",
    "p (exact)",
  ];
  const table = make(
    "details",
    {},
    make("summary", {}, "The same as a table"),
    make(
      "div",
      { class: "scroll" },
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))),
        rows,
      ),
    ),
  );
  element.append(lead, body, table);
  let run = 0;
  let drawn = "";

  async function update() {
    const survey = world.survey();
    const key = `${survey.key} ${survey.pair} ${survey.done}`;
    if (key === drawn) return;
    const mine = ++run;
    lead.textContent = "Counting …";
    body.setAttribute("aria-busy", "true");
    const found = await world.ask("accuracy");
    if (mine !== run) return;
    body.removeAttribute("aria-busy");
    if (found.error) {
      lead.textContent = found.error;
      body.replaceChildren();
      return;
    }
    drawn = key;
    const word = survey.labelled ? "right answers" : "answers like the clean one";
    const tests = found.rows.filter((/** @type {AccuracyRow} */ row) => row.p !== null).length;
    lead.textContent = `Share of ${word} while each distortion grows, over all cases of the survey. Bars: 95 % intervals; all seeds of an image count as one. Below each amount: what the other model gains or loses in points, bold where the paired interval and the exact test (p < 0.05) agree. Of ${tests} differences chance alone makes up to ${(0.05 * tests).toFixed(1)} bold; * marks those that survive Holm's correction for all ${tests}. Click an amount for its cases.`;
    /** @type {AccuracyRow[]} */
    const all = found.rows;
    const clean = all.filter((row) => row.distortion === "clean");
    const charts = survey.distortions.map((one) => {
      const own = all.filter((row) => row.distortion === one.name);
      return chart(one, inOrder(clean, own, one.identity));
    });
    body.replaceChildren(legend(), ...charts);
    rows.replaceChildren(...all.map(tableRow));
  }

  /** @type {(which: Side) => string} */
  const methodOf = (which) => world.methodOf(world.side(which));
  /** @type {(which: Side) => string | null} */
  const dashOf = (which) => dash(which === "baseline" ? 0 : 1);

  /** @type {(row: AccuracyRow) => boolean} */
  const isClean = (row) => row.distortion === "clean";

  function legend() {
    /** @type {(which: Side) => HTMLElement} */
    const part = (which) => {
      const line = svg(
        "svg",
        { width: 34, height: 10, "aria-hidden": "true" },
        svg("path", { d: "M2 5h30", class: "curve", "stroke-dasharray": dashOf(which) }),
      );
      return make(
        "span",
        { "data-method": methodOf(which) },
        line,
        world.nameOf(world.side(which)),
        make("small", {}, which === "baseline" ? " baseline" : ""),
      );
    };
    return make("p", { class: "f-legend" }, part("baseline"), part("other"));
  }

  // The clean pictures come first, then the amounts; between them where amounts lie on both sides of doing nothing.
  /** @type {(clean: AccuracyRow[], own: AccuracyRow[], identity: number) => AccuracyRow[]} */
  function inOrder(clean, own, identity) {
    const rising = own.toSorted((a, b) => a.amount - b.amount);
    const below = rising.filter((row) => row.amount < identity);
    const above = rising.filter((row) => row.amount >= identity);
    return below.length && above.length ? [...below, ...clean, ...above] : [...clean, ...own];
  }

  /** @type {(distortion: SurveyDistortion, all: AccuracyRow[]) => HTMLElement} */
  function chart(distortion, all) {
    const across = WIDE - EDGES.left - RIGHT;
    const step = across / all.length;
    /** @type {(i: number) => number} */
    const x = (i) => EDGES.left + step * (i + 0.5);
    /** @type {(share: number) => number} */
    const y = (share) => EDGES.top + TALL * (1 - share);
    const height = EDGES.top + TALL + BELOW;
    const drawing = svg("svg", {
      viewBox: `0 0 ${WIDE} ${height}`,
      role: "group",
      "aria-label": `Accuracy under ${distortion.title}`,
    });
    const frame = drawFrame({
      ...{ x: EDGES.left, y: EDGES.top, across, title: axisName(distortion) },
      levels: [0, 0.5, 1].map((share) => [y(share), percent(share)]),
      ticks: all.map((row, i) => [x(i), isClean(row) ? "clean" : plain(row.amount * distortion.factor, 3)]),
      axis: `${distortion.sign}; points gained (+) or lost (−) by the other model`,
      under: BELOW - 4,
    });
    drawing.append(frame, lines("baseline", all, x, y), lines("other", all, x, y));
    all.forEach((row, i) => {
      drawing.append(
        svg(
          "text",
          {
            x: x(i),
            y: EDGES.top + TALL + 32,
            "text-anchor": "middle",
            class: row.verdict ? "significant" : null,
          },
          `${points(row.difference)}${mark(row)}`,
        ),
      );
      drawing.append(
        hit(distortion, row, isClean(row), {
          x: x(i) - step / 2,
          y: EDGES.top,
          width: step,
          height: TALL + BELOW - 16,
        }),
      );
    });
    return make("figure", { class: "f-chart" }, drawing);
  }

  /** @type {(which: Side, rows: AccuracyRow[], x: (i: number) => number, y: (share: number) => number) => SVGGElement} */
  function lines(which, rows, x, y) {
    const shift = SHIFT[which];
    const group = svg("g", { "data-method": methodOf(which) });
    group.append(
      svg("path", {
        class: "curve",
        "stroke-dasharray": dashOf(which),
        d: pathOf(rows.map((row, i) => [x(i) + shift, y(row[which])])),
      }),
    );
    rows.forEach((row, i) => {
      const at = x(i) + shift;
      group.append(
        svg("path", { class: "whisker", d: `M${at} ${y(row[`${which}_low`])}V${y(row[`${which}_high`])}` }),
        svg("circle", { cx: at, cy: y(row[which]), r: 2.6 }),
      );
    });
    return group;
  }

  // What takes a click on an amount; the clean pictures are no cases.
  /** @type {(distortion: SurveyDistortion, row: AccuracyRow, isClean: boolean, box: { x: number; y: number; width: number; height: number }) => SVGElement} */
  function hit(distortion, row, isClean, box) {
    const label = isClean
      ? `Clean: ${sentence(row)}`
      : `${world.amountText(distortion.name, row.amount)}: ${sentence(row)} Show its cases.`;
    const made = svg(
      "rect",
      { class: "hit", ...box, tabindex: isClean ? -1 : 0, role: isClean ? "img" : "button", "aria-label": label },
      svg("title", {}, sentence(row)),
    );
    if (isClean) return made;
    const go = () => {
      world.filter({ distortion: distortion.name, amount: row.amount });
      world.show("gallery");
    };
    made.addEventListener("click", go);
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      go();
    });
    return made;
  }

  /** @type {(row: AccuracyRow, which: Side) => string} */
  const share = (row, which) =>
    interval({ accuracy: row[which], low: row[`${which}_low`], high: row[`${which}_high`] });
  /** @type {(row: AccuracyRow) => string} */
  const mark = (row) => (row.verdict && row.p_holm !== null && row.p_holm < 0.05 ? "*" : "");
  /** @type {(p: number | null) => string} */
  const p_of = (p) => (p === null ? "none, transferred attack" : p < 0.001 ? "< 0.001" : p.toFixed(3));

  /** @type {(row: AccuracyRow) => string} */
  function sentence(row) {
    const names = SIDES.map((which) => `${world.nameOf(world.side(which))} ${share(row, which)}`);
    return `${names.join(", ")}; difference ${points(row.difference)} points (${points(row.difference_low)} to ${points(row.difference_high)}); ${row.only_baseline_fails} cases only the baseline fails, ${row.only_other_fails} only the other; p ${p_of(row.p)}, adjusted for all rows ${p_of(row.p_holm)}; n = ${row.n}.`;
  }

  /** @type {(row: AccuracyRow) => HTMLElement} */
  function tableRow(row) {
    const known = row.distortion === "clean" ? null : world.distortion(row.distortion);
    const cells = [
      known?.title ?? "Clean",
      known ? world.amountText(row.distortion, row.amount) : "",
      row.n,
      share(row, "baseline"),
      share(row, "other"),
      `${points(row.difference)}${mark(row)} (${points(row.difference_low)} to ${points(row.difference_high)})`,
      row.only_baseline_fails,
      row.only_other_fails,
      p_of(row.p),
    ];
    return make("tr", {}, ...cells.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, String(cell))));
  }

  return { update };
}
