// Precision against recall, one panel for each distortion, all on the same axes. The threshold is one line through a panel:
// where it crosses the curves the points stand. It is dragged, or moved by the arrow keys.

/** @import { PairRun, Under } from "./types.d.ts" */

import { dash, drawFrame, pathOf } from "../shared/chart.js";
import { make, svg } from "../shared/dom.js";
import { percent, plain, shownAmount } from "../shared/format.js";
import { curveOf } from "./pairs.js";

const [WIDE, TALL] = [196, 124]; // px of a panel, and of its lines
const BOX = { x: 40, y: 24, across: WIDE - 40 - 14 };
const BELOW = 36;
const FLOORS = [0.9, 0.5, 0]; // where the axes may begin: as high as most of every curve allows
const STOPS = [
  ...Array.from({ length: 11 }, (_, i) => i / 20), // 0 to 50 %
  ...Array.from({ length: 20 }, (_, i) => (51 + i * 2) / 100), // to 89 %
  ...Array.from({ length: 19 }, (_, i) => 0.9 + i / 200), // to 99 %
  ...Array.from({ length: 10 }, (_, i) => (991 + i) / 1000),
  1,
];

// The precision to which an arrow key leads.
/** @type {(precision: number, key: string) => number | undefined} */
export function stopFrom(precision, key) {
  const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5 }[key];
  if (key === "Home") return STOPS[0];
  if (key === "End") return 1;
  if (steps === undefined) return undefined;
  const near = 1e-9;
  const at =
    steps > 0
      ? STOPS.findLastIndex((stop) => stop <= precision + near)
      : STOPS.findIndex((stop) => stop >= precision - near);
  return STOPS[Math.min(STOPS.length - 1, Math.max(0, at + steps))];
}

// Where the precision axis of all panels begins.
/** @type {(runs: PairRun[]) => number} */
export function floorOf(runs) {
  const least = Math.min(...runs.map((run) => run.average_precision));
  return FLOORS.find((floor) => least >= (1 + 2 * floor) / 3) ?? 0;
}

// `drag(precision, panel)` is called for every move; `choose(panel)` when a panel is entered.
/** @type {(parts: { runs: PairRun[]; under: Under[]; method: (model: string) => string; title: (model: string) => string; drag: (precision: number, panel: number) => void; choose: (panel: number) => void }) => { element: HTMLElement; paint: (at: { panel: number; line: (panel: number) => number; point: (run: PairRun) => { recall: number; precision: number } | null; lead: string }) => void }} */
export function makeCurves({ runs, under, method, title, drag, choose }) {
  const floor = floorOf(runs);
  /** @type {(recall: number) => number} */
  const px = (recall) => BOX.x + BOX.across * recall;
  /** @type {(precision: number) => number} */
  const py = (precision) => BOX.y + TALL * (1 - (Math.max(precision, floor) - floor) / (1 - floor));
  const panels = under.map((one, i) => makePanel(one, i));
  const element = make("div", { class: "x-panels" }, ...panels.map(({ figure }) => figure));
  return { element, paint };

  /** @type {(one: Under, panel: number) => { figure: HTMLElement; line: SVGPathElement; hit: SVGRectElement; points: Map<string, SVGCircleElement> }} */
  function makePanel(one, panel) {
    const name = `${one.title}, ${shownAmount(one, one.amount)}`;
    const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${BOX.y + TALL + BELOW}` });
    const clip = `x-clip-${panel}`;
    drawing.append(
      drawFrame({
        ...{ ...BOX, tall: TALL, title: name, axis: "recall", under: 30 },
        levels: [floor, (1 + floor) / 2, 1].map((share) => [py(share), `${plain(100 * share)} %`]),
        ticks: [0, 0.5, 1].map((share) => [px(share), percent(share)]),
      }),
      svg("clipPath", { id: clip }, svg("rect", { x: BOX.x, y: BOX.y - 2, width: BOX.across + 4, height: TALL + 2 })),
    );
    const line = svg("path", { class: "x-line" });
    const points = new Map();
    const own = runs.filter((run) => run.distortion === panel);
    const curves = svg("g", { "clip-path": `url(#${clip})` });
    own.forEach((run, i) => {
      const curve = curveOf(run);
      const group = svg("g", { "data-method": method(run.model), "data-model": run.model });
      const d = pathOf(
        [[0, curve[0]?.precision ?? 1], ...curve.map((at) => [at.recall, at.precision])].map(([x, y]) => [
          px(x),
          py2(y),
        ]),
      );
      group.append(svg("title", {}, title(run.model)), svg("path", { class: "curve", d, "stroke-dasharray": dash(i) }));
      curves.append(group);
      points.set(run.model, svg("circle", { r: 4.5, "data-method": method(run.model), class: "x-point" }));
    });
    const hit = svg("rect", {
      ...{ class: "hit", x: BOX.x - 4, y: BOX.y - 8, width: BOX.across + 8, height: TALL + 12 },
      ...{ role: "slider", tabindex: 0, "aria-label": `Precision kept under ${name}`, "aria-orientation": "vertical" },
      ...{ "aria-valuemin": 0, "aria-valuemax": 100 },
    });
    drawing.append(curves, line, ...points.values(), hit);
    wire(hit, panel);
    const figure = make("figure", { class: "x-panel" }, drawing);
    return { figure, line, hit, points };
  }

  // Below the floor, where the clip hides it.
  /** @type {(precision: number) => number} */
  function py2(precision) {
    return BOX.y + TALL * (1 - (precision - floor) / (1 - floor));
  }

  /** @type {(hit: SVGRectElement, panel: number) => void} */
  function wire(hit, panel) {
    /** @type {(event: PointerEvent) => void} */
    const move = (event) => {
      const { top, height } = hit.getBoundingClientRect();
      const y = BOX.y - 8 + ((event.clientY - top) / height) * (TALL + 12);
      const share = floor + (1 - floor) * (1 - (y - BOX.y) / TALL);
      drag(Math.min(1, Math.max(0, Math.round(share * 1000) / 1000)), panel);
    };
    hit.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      hit.setPointerCapture(event.pointerId);
      choose(panel);
      move(event);
    });
    hit.addEventListener("pointermove", (event) => hit.hasPointerCapture(event.pointerId) && move(event));
    hit.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const to = stopFrom(Number(hit.getAttribute("aria-valuenow")) / 100, event.key);
      if (to === undefined) return;
      event.preventDefault();
      drag(to, panel);
    });
    hit.addEventListener("focus", () => choose(panel));
  }

  /** @type {ReturnType<typeof makeCurves>["paint"]} */
  function paint({ panel: chosen, line, point, lead }) {
    panels.forEach(({ figure, line: drawn, hit, points }, panel) => {
      figure.toggleAttribute("data-chosen", panel === chosen);
      const precision = line(panel);
      drawn.setAttribute("d", `M${BOX.x} ${py(precision).toFixed(1)}h${BOX.across}`);
      hit.setAttribute("aria-valuenow", plain(100 * precision));
      hit.setAttribute("aria-valuetext", percent(precision, 1));
      for (const run of runs) {
        if (run.distortion !== panel) continue;
        const circle = points.get(run.model);
        const at = point(run);
        if (!circle) continue;
        circle.setAttribute("visibility", at ? "visible" : "hidden");
        circle.setAttribute("r", run.model === lead ? "5.5" : "4");
        if (!at) continue;
        circle.setAttribute("cx", px(at.recall).toFixed(1));
        circle.setAttribute("cy", py(at.precision).toFixed(1));
      }
    });
  }
}
