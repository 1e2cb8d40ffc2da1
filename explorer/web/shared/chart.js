// Charts as SVG: their frame, lines and bands. `paint(name, method)` gives the colour of a CSS variable: as a variable,
// unless a drawing has to hold its own colours.

/** @import { Chart, ChartCurves, Paint, Point } from "../types.d.ts" */

import { svg } from "./dom.js";
import { cut, percent as percentText, plain, short, signed } from "./format.js";

export const FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif";
export const TALL = 150; // px of a chart's lines, from its lowest to its highest value, unless told otherwise
export const EDGES = { left: 42, right: 8, top: 26, bottom: 38 }; // px around the lines of a chart
const DASHES = ["", "7 3.5", "2 3", "9 3 2 3", "13 4", "5 2 1.5 2 1.5 2"]; // with a colour of its own for each method

/** @type {Paint} */
export const variable = (name) => `var(${name})`;

// ---- the drawing ----------------------------------------------------------------------------------------------------

// The frame of a chart whose lines lie in a box at (x, y): its name above, horizontal lines at `levels` with their values
// beside them, `ticks` below and under them the axis's name. levels: [[y, text]], ticks: [[x, text]].
/** @type {(frame: { x: number; y: number; across: number; tall?: number; title: string; help?: string; levels: [y: number, text: string][]; ticks: [x: number, text: string][]; axis: string; under?: number; paint?: Paint }) => SVGGElement} */
export function drawFrame({
  x,
  y,
  across,
  tall = TALL,
  title,
  help,
  levels,
  ticks,
  axis,
  under = 31,
  paint = variable,
}) {
  const frame = svg("g", { class: "chart" });
  const heading = svg(
    "text",
    { class: "name", x: x - EDGES.left, y: y - 13, "font-size": 12, "font-weight": 600 },
    title,
  );
  if (help) heading.append(svg("title", {}, help));
  frame.append(heading);
  for (const [at, text] of levels) {
    frame.append(svg("path", { d: `M${x} ${at}h${across}`, stroke: paint("--line") }));
    frame.append(svg("text", { x: x - 7, y: at + 4, "text-anchor": "end" }, text));
  }
  for (const [at, text] of ticks) {
    frame.append(svg("path", { d: `M${at} ${y + tall}v3`, stroke: paint("--edge") }));
    frame.append(svg("text", { x: at, y: y + tall + 15, "text-anchor": "middle" }, text));
  }
  frame.append(svg("text", { x: x + across / 2, y: y + tall + under, "text-anchor": "middle" }, axis));
  return frame;
}

// Curves of several models against the amount of one distortion, with their bands: `curves` is described at the head of
// panel/curves.js. `steps`: into how many parts the lines divide the height; `from`: where the values begin, except those
// of the margin. Gives the group, where a value lies, and `hit`, which takes pointer and keys.
/** @type {<K extends string>(curves: ChartCurves<K>, chart: { key: K; title: string; high?: number; percent?: boolean; help?: string; x: number; y: number; across: number; paint?: Paint; tall?: number; steps?: number; from?: number }) => Chart} */
export function drawChart(
  curves,
  { key, title, high, percent, help, x, y, across, paint = variable, tall = TALL, steps = 2, from = 0 },
) {
  const top =
    high ?? ceiling(Math.max(...curves.models.flatMap((model) => [...model[key], ...(model.band?.[key].high ?? [])])));
  const low = key === "margin" && curves.models.some((model) => Math.min(...model[key]) < 0) ? -1 : from;
  /** @type {(amount: number) => number} */
  const px = (amount) => x + partOf(curves, amount) * across;
  /** @type {(value: number) => number} */
  const py = (value) => y + tall * (1 - (value - low) / (top - low));
  /** @type {(value: number) => string} */
  const format = percent ? (value) => percentText(value) : key === "margin" ? signed : short;
  const values = Array.from({ length: steps + 1 }, (_, i) => low + ((top - low) * i) / steps);
  const group = drawFrame({
    ...{ x, y, across, tall, title, help, paint },
    levels: values.map((value) => [py(value), percent ? `${plain(100 * value)} %` : plain(value)]),
    ticks: ticks(curves).map((tick) => [px(tick), plain(tick * curves.factor)]),
    axis: axisName(curves, across),
  });
  /** @type {(line: number[]) => Point[]} */
  const along = (line) => line.map((value, i) => [px(curves.amounts[i]), py(value)]);
  curves.models.forEach((model, i) => {
    const [ink, fill] = [paint("--ink", model.method), paint("--fill", model.method)];
    const drawing = svg("g", { "data-method": model.method, "data-model": model.name, fill: "none" });
    const band = model.band?.[key];
    if (band) {
      const back = pathOf(along(band.low).reverse()).replace("M", "L");
      drawing.append(
        svg("path", { class: "band", d: `${pathOf(along(band.high))}${back}Z`, fill, "fill-opacity": 0.13 }),
      );
      if (band.mean)
        drawing.append(
          svg("path", {
            class: "mean",
            d: pathOf(along(band.mean)),
            stroke: ink,
            "stroke-width": 1,
            "stroke-opacity": 0.6,
          }),
        );
    }
    drawing.append(
      svg("path", {
        class: "curve",
        d: pathOf(along(model[key])),
        stroke: ink,
        "stroke-width": 2,
        "stroke-linejoin": "round",
        "stroke-dasharray": dash(i),
      }),
    );
    if (isDotted(i))
      drawing.append(
        ...along(model[key]).flatMap(([cx, cy], j) => (j % 4 ? [] : [svg("circle", { cx, cy, r: 2.2, fill: ink })])),
      );
    group.append(drawing);
  });
  const role = {
    role: "slider",
    tabindex: 0,
    "aria-label": `${title} against ${curves.title}`,
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  };
  const hit = svg("rect", { class: "hit", x, y: y - 4, width: across, height: tall + 8, fill: "transparent", ...role });
  return { group, px, py, hit, format };
}

// [[x, y]] as the path of a line.
/** @type {(points: Point[]) => string} */
export function pathOf(points) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

// The dashes of the line at this place; null for a line without.
/** @type {(index: number) => string | null} */
export function dash(index) {
  return DASHES[index % DASHES.length] || null;
}

// Lines whose dashes came before have dots on them, too.
/** @type {(index: number) => boolean} */
export function isDotted(index) {
  return index >= DASHES.length;
}

// ---- amounts and axes ---------------------------------------------------------------------------------------------

// The mildest and the strongest amount.
/** @type {(axis: { amounts: number[] }) => [mild: number, strong: number]} */
export function endsOf({ amounts }) {
  return [amounts[0], amounts[amounts.length - 1]];
}

// How far an amount lies between the mild end (0) and the strong one (1), whichever of the two is the larger number.
/** @type {(axis: { amounts: number[] }, amount: number) => number} */
export function partOf(axis, amount) {
  const [mild, strong] = endsOf(axis);
  return strong === mild ? 0 : Math.min(Math.max((amount - mild) / (strong - mild), 0), 1);
}

// A curve's value at any amount, on the straight line between the two computed ones beside it.
/** @type {(curves: { amounts: number[] }, values: number[], amount: number) => number} */
export function between(curves, values, amount) {
  const parts = curves.amounts.map((value) => partOf(curves, value));
  const part = partOf(curves, amount);
  const right = Math.max(
    parts.findIndex((value) => value >= part),
    1,
  );
  if (right >= values.length) return values[values.length - 1];
  const share = (part - parts[right - 1]) / (parts[right] - parts[right - 1]);
  return values[right - 1] + share * (values[right] - values[right - 1]);
}

// "Gaussian noise (σ, of full scale)"; where `room` px are too few for that, only the sign.
/** @type {(axis: { title: string; symbol: string; unit: string }, room?: number) => string} */
export function axisName({ title, symbol, unit }, room = Infinity) {
  const whole = `${title} (${symbol === unit || symbol === "/255" ? unit : `${symbol}, ${unit}`})`;
  return whole.length * 6.2 < room + EDGES.left ? whole : `${cut(title, Math.floor(room / 6.2))} (${symbol})`;
}

// Round amounts for the axis, at most six.
/** @type {(axis: { amounts: number[]; factor: number }) => number[]} */
export function ticks({ amounts, factor }) {
  const [low, high] = endsOf({ amounts })
    .map((amount) => amount * factor)
    .sort((a, b) => a - b);
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 2.5, 5].map((n) => n * power).find((n) => n >= rough * 0.999) ?? 10 * power;
  const found = [];
  for (let i = Math.ceil(low / size - 1e-9); i * size <= high + 1e-9 * size; i++) found.push((i * size) / factor);
  return found;
}

// A round number at or above a value, for the top of an axis.
/** @type {(value: number) => number} */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8].map((n) => n * power).find((n) => n >= value * 0.999) ?? 10 * power;
}
