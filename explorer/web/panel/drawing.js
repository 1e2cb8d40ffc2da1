// The drawing of curves.js and of figure.js: three charts, their legend, and where each model's answer changes.
//
// drawCurves(curves, { width, paint, amount }) -> { svg, charts, now, hover, across, curves }; `curves` is described in
// curves.js, `paint` in shared/chart.js.

/** @import { Chart, CurveKey, CurveModel, Curves, Drawn, Paint } from "../types.d.ts" */

import { between, dash, drawChart, EDGES, FONT, isDotted, TALL, variable } from "../shared/chart.js";
import { svg } from "../shared/dom.js";
import { cut } from "../shared/format.js";
import { offset } from "./amounts.js";
import { confidenceTitle, flipHelp, flipsAt, flipWords, modelTitle } from "./words.js";

/** @type {{ key: CurveKey; title?: string; high?: number; percent?: boolean; help: string }[]} */
const CHARTS = [
  {
    key: "confidence",
    high: 1,
    percent: true,
    help: "Probability of the followed class: the true one where it is known, else the model's clean answer",
  },
  {
    key: "margin",
    title: "Margin of the answer",
    high: 1,
    help: "Probability of the present answer, also where it is wrong, minus that of the runner-up",
  },
  {
    key: "feature_distance",
    title: "Feature distance",
    help: "L2 distance between the penultimate layer's features of the clean and of the distorted picture",
  },
];
const [GAP, LEGEND_ROW, LEGEND_COLUMN, LETTER] = [20, 22, 270, 6.5]; // the last: px of a legend's letter at most

/** @type {(curves: Curves, options: { width: number; paint?: Paint; amount?: number | null }) => Drawn} */
export function drawCurves(curves, { width, paint = variable, amount = null }) {
  const columns = width >= 620 ? 3 : width >= 430 ? 2 : 1;
  const cell = (width - GAP * (columns - 1)) / columns;
  const across = cell - EDGES.left - EDGES.right;
  const legend = legendOf(curves, width, paint);
  const tall = EDGES.top + TALL + EDGES.bottom;
  const height = legend.height + Math.ceil(CHARTS.length / columns) * tall;
  const drawing = svg("svg", {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "font-family": FONT,
    "font-size": 11,
    fill: paint("--soft"),
  });
  drawing.append(legend.group);
  const charts = CHARTS.map((chart, i) => {
    const [x, y] = [
      (i % columns) * (cell + GAP) + EDGES.left,
      legend.height + Math.floor(i / columns) * tall + EDGES.top,
    ];
    const made = drawChart(curves, { ...chart, title: chart.title ?? confidenceTitle(curves), x, y, across, paint });
    for (const model of curves.models) {
      if (model.flip_point !== null)
        made.group.append(diamond(curves, model, model.flip_point, chart.key, made, paint));
    }
    drawing.append(made.group);
    return { ...made, key: chart.key, x, y };
  });
  const lines = charts.map(({ x, y }) => `M${x} ${y - 4}v${TALL + 4}`).join("");
  const away = "translate(-9999 0)";
  const hover = svg("path", { class: "hover", d: lines, stroke: paint("--edge"), transform: away });
  const now = svg("path", {
    class: "now",
    d: lines,
    stroke: paint("--text"),
    "stroke-width": 1.5,
    "stroke-dasharray": "3 2.5",
    transform: away,
  });
  const drawn = { svg: drawing, charts, now, hover, across, curves };
  if (amount !== null) now.setAttribute("transform", `translate(${offset(drawn, amount)} 0)`);
  drawing.append(now);
  return drawn;
}

/** @type {(curves: Curves, width: number, paint: Paint) => { group: SVGGElement; height: number }} */
function legendOf(curves, width, paint) {
  const letters = curves.models.map(
    (model) => cut(modelTitle(curves, model), 26).length + flipWords(curves, model).length,
  );
  const column = Math.max(LEGEND_COLUMN, 60 + LETTER * Math.max(...letters));
  const columns = Math.max(1, Math.min(curves.models.length, Math.floor(width / column)));
  const group = svg("g", { class: "legend", "font-size": 12 });
  const seeds = curves.models.find((model) => model.band)?.band?.n;
  curves.models.forEach((model, i) => {
    const [x, y] = [
      (i % columns) * Math.min(width / columns, Math.max(column, 340)),
      14 + Math.floor(i / columns) * LEGEND_ROW,
    ];
    const drawing = svg("g", { "data-method": model.method });
    const ink = paint("--ink", model.method);
    drawing.append(
      svg("path", { d: `M${x} ${y - 4}h30`, stroke: ink, "stroke-width": 2, "stroke-dasharray": dash(i) }),
    );
    if (isDotted(i)) drawing.append(svg("circle", { cx: x + 15, cy: y - 4, r: 2.2, fill: ink }));
    const words = svg("text", { x: x + 38, y });
    words.append(svg("tspan", { fill: paint("--text"), "font-weight": 600 }, cut(modelTitle(curves, model), 26)));
    words.append(svg("tspan", { dx: 8 }, flipWords(curves, model)));
    words.append(svg("title", {}, `${model.name}: ${flipHelp(curves, model)}`));
    drawing.append(words);
    group.append(drawing);
  });
  let height = Math.ceil(curves.models.length / columns) * LEGEND_ROW;
  if (seeds) {
    const words = `Shaded: the range over ${seeds} seeds; thin line: their mean; thick line: the seed on screen.`;
    group.append(svg("text", { class: "seeds", x: 0, y: height + 13, "font-size": 11 }, words));
    height += 20;
  }
  return { group, height: height + 12 };
}

// Where a model's answer changes, on its curve.
/** @type {(curves: Curves, model: CurveModel, flip: number, key: CurveKey, chart: Chart, paint: Paint) => SVGPathElement} */
function diamond(curves, model, flip, key, { px, py }, paint) {
  const [x, y] = [px(flip), py(between(curves, model[key], flip))];
  const shape = { fill: paint("--ink", model.method), stroke: paint("--card"), "stroke-width": 1.5 };
  const mark = svg("path", {
    class: "flip",
    d: `M${x} ${y - 6}l6 6l-6 6l-6-6Z`,
    ...shape,
    "data-method": model.method,
    "data-model": model.name,
  });
  mark.append(svg("title", {}, `${modelTitle(curves, model)} ${flipsAt(curves, flip)}`));
  return mark;
}
