// The marks of the chart of the page "Methods": one shape for each place that numbers come from.

/** @import { LineEnd, Point, PointValue } from "../types.d.ts" */

import { pathOf } from "../shared/chart.js";
import { svg } from "../shared/dom.js";
import { spread } from "./values.js";

/** @type {Record<string, (x: number, y: number) => string>} */
export const SHAPES = {
  card: (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z`,
  survey: (x, y) => `M${x} ${y - 4.5}l4.5 8h-9Z`,
  stated: (x, y) => `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5-4.5Z`,
  measured: (x, y) => `M${x - 3.5} ${y - 3.5}h7v7h-7Z`,
};

// The mark of a source, for legends: a small SVG in the text's colour.
/** @type {(source: string) => SVGSVGElement} */
export function sourceSample(source) {
  const width = source === "live" ? 22 : 12;
  const drawing = svg("svg", { class: "m-sample", width, height: 12, "aria-hidden": "true", "data-source": source });
  if (source !== "live") drawing.append(svg("path", { class: "mark", d: SHAPES[source](6, 6) }));
  else
    drawing.append(svg("path", { class: "band", d: "M0 1h22v10h-22Z" }), svg("path", { class: "line", d: "M0 6h22" }));
  return drawing;
}

// A number of ours with its interval.
/** @type {(point: PointValue, method: string, x: (amount: number) => number, y: (share: number) => number) => SVGGElement} */
export function pointMark({ source, model, amount, accuracy, low, high }, method, x, y) {
  const [at, up] = [x(amount), y(accuracy)];
  return svg(
    "g",
    { class: "m-own", "data-method": method, "data-source": source, "data-model": model },
    svg("path", { class: "whisker", d: `M${at} ${y(low)}V${y(high)}` }),
    svg("path", { class: "mark", d: SHAPES[source](at, up) }),
  );
}

// The amounts at which a model was measured, as dots on its line.
/** @type {(model: { method: string; accuracy: number[] }, amounts: number[], x: (amount: number) => number, y: (share: number) => number) => SVGPathElement} */
export function dots({ method, accuracy }, amounts, x, y) {
  /** @type {(amount: number, i: number) => string} */
  const dot = (amount, i) => `M${x(amount) - 2} ${y(accuracy[i])}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0Z`;
  return svg("path", { class: "m-dots", "data-method": method, d: amounts.map(dot).join("") });
}

// One thin line per model through its points; gives the paths, and where each ends.
/** @type {<M extends { name: string; method: string }>(models: M[], points: PointValue[], x: (amount: number) => number, y: (share: number) => number) => { paths: SVGPathElement[]; ends: (M & { x: number; y: number })[] }} */
export function lines(models, points, x, y) {
  const drawn = models.flatMap((model) => {
    const found = points.filter((one) => one.model === model.name).sort((a, b) => x(a.amount) - x(b.amount));
    if (!found.length) return [];
    /** @type {Point[]} */
    const corners = found.map((one) => [x(one.amount), y(one.accuracy)]);
    const [endX, endY] = corners[corners.length - 1];
    const path = svg("path", { class: "m-line", "data-method": model.method, d: pathOf(corners) });
    return [{ path, end: { ...model, x: endX, y: endY } }];
  });
  return { paths: drawn.map(({ path }) => path), ends: drawn.map(({ end }) => end) };
}

// The models' names beside the ends of their lines, none over another.
/** @type {(ends: LineEnd[], left: number, room: { top: number; bottom: number }) => SVGGElement} */
export function endLabels(ends, left, { top, bottom }) {
  const group = svg("g", { class: "m-ends" });
  for (const { x, y, at, method, label } of spread(ends, { top, bottom })) {
    const path = svg("path", { d: `M${x + 4} ${y}L${left - 2} ${at}h6` });
    group.append(svg("g", { "data-method": method }, path, svg("text", { x: left + 8, y: at + 4 }, label)));
  }
  return group;
}
