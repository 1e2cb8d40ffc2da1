// Curves of Stability Explorer: what every model answers while one distortion grows. Like panel.js it knows neither
// Gradio nor Jupyter.
//
//   const charts = mountCurves(element, { pick })
//   charts.paint(curves)      draws them
//   charts.at(amount)         moves the line of the present amount, null takes it away: one attribute changes, no more
//   charts.stale(true)        greys them: they belong to another question than the one on screen
//   charts.wait(0.4)          computing, 0 to 1; wait(null) ends it
//   charts.fail(sentence)     takes the drawing away and says why there is none
//   charts.destroy()
//
// `pick(amount, { live })` is called when a chart is clicked, dragged or moved along by keys; live: the movement has not
// ended. Without it the charts can be read, not turned. `curves` is the core's Sweep.to_dict() and a few more entries:
//
//   { title, sign, symbol, unit, factor,  the distortion's; `factor` makes the number people read out of an amount
//     step,                               the slider's step, if it has one
//     exact,                              true: flip points were searched; else each is the first of the amounts that flips
//     amounts: [...],                     from mild (left) to strong (right), whichever of the two is the larger number
//     models: [{ name, title, method, clean, followed, predictions, confidence, margin, feature_distance, flip_point,
//                band: null | { n, confidence: { mean, low, high }, margin, feature_distance, flip_points } }] }
//
// The drawing itself is in drawing.js.

/** @import { Curves, Drawn, PanelChart } from "../types.d.ts" */

import { partOf } from "../shared/chart.js";
import { make } from "../shared/dom.js";
import { shownAmount } from "../shared/format.js";
import { KEYS, nearest, offset, snapped, stepped } from "./amounts.js";
import { drawCurves } from "./drawing.js";
import { readoutRows, tableOf } from "./readout.js";
import { modelTitle } from "./words.js";

const BUSY_MS = 300; // nothing moves before that
const SETTLE_MS = 200; // after this long at rest, screen readers announce the position of the line

/** @type {(element: HTMLElement, options?: { pick?: ((amount: number, how: { live: boolean }) => void) | null }) => { paint: (curves: Curves) => void; at: (amount: number | null) => void; wait: (part: number | null) => void; fail: (sentence: string) => void; stale: (on: boolean) => void; destroy: () => void }} */
export function mountCurves(element, { pick = null } = {}) {
  const root = make("div", { class: "stability-colours stability-curves empty" });
  const fill = make("i");
  const busyBar = { class: "bar", role: "progressbar", "aria-label": "Computing the curves", hidden: true };
  const bar = make("div", busyBar, fill);
  const message = make("p", { class: "curves-message", role: "status", hidden: true });
  const drawing = make("div", { class: "drawing" });
  const readout = make("div", { class: "readout", "aria-hidden": "true", hidden: true });
  const table = make("div", { class: "scroll" });
  const details = make("details", {}, make("summary", {}, "The same as a table"), table);
  root.append(bar, message, make("div", { class: "plot" }, drawing, readout), details);
  element.append(root);

  /** @type {Curves | null} */
  let curves = null;
  /** @type {Drawn | null} */
  let drawn = null; // what drawCurves gave for them
  let width = 0;
  /** @type {number | null} */
  let amount = null; // the present one
  let dragging = false; // what is dragged is not taken from under the pointer: new curves wait until it is let go
  /** @type {Curves | null} */
  let late = null;
  let busy = 0;
  let settling = 0;

  const observer = new ResizeObserver(() => {
    if (curves && !dragging && Math.abs(drawing.clientWidth - width) > 1) draw();
  });
  observer.observe(root);
  details.addEventListener("toggle", paintTable);

  /** @type {(newest: Curves) => void} */
  function paint(newest) {
    late = dragging ? newest : null;
    if (dragging) return;
    curves = newest;
    root.classList.remove("empty", "stale");
    message.hidden = true;
    draw();
    paintTable();
  }

  function draw() {
    if (!curves || !drawing.clientWidth) return; // not on screen: the observer calls again
    width = drawing.clientWidth;
    const focused = drawn?.charts.findIndex((chart) => chart.hit === document.activeElement) ?? -1;
    hide();
    const made = drawCurves(curves, { width });
    drawn = made;
    for (const chart of made.charts) wire(chart, made);
    made.svg.append(made.hover, ...made.charts.map((chart) => chart.hit));
    drawing.replaceChildren(made.svg);
    move(amount);
    tell();
    if (focused >= 0) made.charts[focused].hit.focus();
  }

  /** @type {(newest: number | null) => void} */
  function at(newest) {
    if (!dragging) move(newest);
  }

  /** @type {(newest: number | null) => void} */
  function move(newest) {
    amount = newest;
    if (drawn) drawn.now.setAttribute("transform", `translate(${offset(drawn, newest)} 0)`);
    clearTimeout(settling);
    settling = setTimeout(tell, SETTLE_MS);
  }

  // ---- reading and turning --------------------------------------------------------------------------------------

  /** @type {(chart: PanelChart, drawn: Drawn) => void} */
  function wire(chart, drawn) {
    const { hit } = chart;
    const { curves } = drawn;
    const present = () => amount ?? curves.amounts[0];
    /** @type {(event: PointerEvent) => void} */
    const turn = (event) => {
      const wanted = snapped(curves, partAt(event));
      read(chart, partAt(event), drawn);
      move(wanted);
      pick?.(wanted, { live: true });
    };
    /** @type {(event: { clientX: number }) => number} */
    const partAt = ({ clientX }) => {
      const box = hit.getBoundingClientRect();
      return Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
    };
    hit.addEventListener("pointerdown", (event) => {
      if (!pick || event.button) return;
      hit.setPointerCapture(event.pointerId);
      dragging = true;
      turn(event);
    });
    hit.addEventListener("pointermove", (event) => (dragging ? turn(event) : read(chart, partAt(event), drawn)));
    const letGo = () => {
      if (!dragging) return;
      dragging = false;
      pick?.(present(), { live: false });
      if (late) paint(late);
    };
    hit.addEventListener("pointerup", letGo);
    hit.addEventListener("pointercancel", letGo);
    hit.addEventListener("pointerleave", () => document.activeElement !== hit && hide());
    hit.addEventListener("focus", () => hit.matches(":focus-visible") && read(chart, partOf(curves, present()), drawn));
    hit.addEventListener("blur", hide);
    /** @type {number | null} */
    let looked = null; // where the keys have gone, where nothing can be turned
    hit.addEventListener("keydown", (event) => {
      const here = pick ? present() : (looked ?? present());
      const wanted = stepped(curves, here, event);
      if (wanted === null) return;
      event.preventDefault();
      looked = wanted;
      read(chart, partOf(curves, wanted), drawn);
      if (!pick) return;
      move(wanted);
      tell();
      pick(wanted, { live: true });
    });
    hit.addEventListener("keyup", (event) => {
      if (pick && looked !== null && KEYS.has(event.key)) pick(present(), { live: false });
    });
  }

  // All values at the computed amount nearest to a point between 0 (left) and 1.
  /** @type {(chart: PanelChart, part: number, drawn: Drawn) => void} */
  function read(chart, part, { curves, across, hover }) {
    const index = nearest(curves, part);
    const dx = partOf(curves, curves.amounts[index]) * across;
    hover.setAttribute("transform", `translate(${dx} 0)`);
    if (readout.dataset.index !== String(index)) {
      readout.dataset.index = String(index);
      readout.replaceChildren(...readoutRows(curves, index));
    }
    readout.hidden = false;
    // above the chart, so that it covers no curve
    const left = Math.min(
      Math.max(chart.x + dx - readout.offsetWidth / 2, 0),
      Math.max(width - readout.offsetWidth, 0),
    );
    readout.style.transform = `translate(${left}px, calc(${chart.y - 24}px - 100%))`;
  }

  function hide() {
    readout.hidden = true;
    delete readout.dataset.index;
    drawn?.hover.setAttribute("transform", "translate(-9999 0)");
  }

  function tell() {
    if (!drawn) return;
    const { curves } = drawn;
    const here = amount ?? curves.amounts[0];
    const part = partOf(curves, here);
    const index = nearest(curves, part);
    const [at, computed] = [here, curves.amounts[index]].map((value) => shownAmount(curves, value));
    const words = at === computed ? at : `${at}; at ${computed}, the nearest amount computed`;
    for (const { hit, format, key } of drawn.charts) {
      hit.setAttribute("aria-valuenow", String(Math.round(100 * part)));
      const values = curves.models.map((model) => `${modelTitle(curves, model)} ${format(model[key][index])}`);
      hit.setAttribute("aria-valuetext", `${words}: ${values.join(", ")}`);
    }
  }

  function paintTable() {
    if (details.open && curves) table.replaceChildren(tableOf(curves));
  }

  // ---- what the host says ---------------------------------------------------------------------------------------

  /** @type {(part: number | null) => void} */
  function wait(part) {
    if (part === null) {
      clearTimeout(busy);
      busy = 0;
      bar.hidden = true;
      return;
    }
    busy ||= setTimeout(() => {
      bar.hidden = false;
    }, BUSY_MS);
    bar.setAttribute("aria-valuenow", String(Math.round(100 * part)));
    fill.style.transform = `scaleX(${part})`;
  }

  /** @type {(sentence: string) => void} */
  function fail(sentence) {
    wait(null);
    hide();
    curves = drawn = late = null;
    dragging = false;
    drawing.replaceChildren();
    table.replaceChildren();
    root.classList.remove("stale");
    root.classList.add("empty");
    message.textContent = sentence;
    message.hidden = false;
  }

  return {
    paint,
    at,
    wait,
    fail,
    stale: (on) => root.classList.toggle("stale", on && curves !== null),
    destroy() {
      observer.disconnect();
      clearTimeout(busy);
      clearTimeout(settling);
      root.remove();
    },
  };
}
