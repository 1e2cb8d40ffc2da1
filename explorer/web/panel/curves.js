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

import { partOf } from "../shared/chart.js";
import { make } from "../shared/dom.js";
import { shownAmount } from "../shared/format.js";
import { KEYS, nearest, offset, snapped, stepped } from "./amounts.js";
import { drawCurves } from "./drawing.js";
import { readoutRows, tableOf } from "./readout.js";
import { modelTitle } from "./words.js";

const BUSY_MS = 300; // nothing moves before that
const SETTLE_MS = 200; // after this long at rest, screen readers are told where the line stands

export function mountCurves(element, { pick = null } = {}) {
  const root = make("div", { class: "stability-colours stability-curves empty" });
  const bar = make(
    "div",
    { class: "bar", role: "progressbar", "aria-label": "Computing the curves", hidden: true },
    make("i"),
  );
  const message = make("p", { class: "said", role: "status", hidden: true });
  const drawing = make("div", { class: "drawing" });
  const readout = make("div", { class: "readout", "aria-hidden": "true", hidden: true });
  const table = make("div", { class: "scroll" });
  const details = make("details", {}, make("summary", {}, "The same as a table"), table);
  root.append(bar, message, make("div", { class: "plot" }, drawing, readout), details);
  element.append(root);

  let curves = null;
  let drawn = null; // what drawCurves gave for them
  let width = 0;
  let amount = null; // the present one
  let dragging = false; // what is dragged is not taken from under the pointer: new curves wait until it is let go
  let late = null;
  let busy = 0;
  let settling = 0;

  const observer = new ResizeObserver(() => {
    if (curves && !dragging && Math.abs(drawing.clientWidth - width) > 1) draw();
  });
  observer.observe(root);
  details.addEventListener("toggle", paintTable);

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
    if (!drawing.clientWidth) return; // not on screen: the observer calls again
    width = drawing.clientWidth;
    const focused = drawn?.charts.findIndex((chart) => chart.hit === document.activeElement) ?? -1;
    hide();
    drawn = drawCurves(curves, { width });
    drawn.charts.forEach(wire);
    drawn.svg.append(drawn.hover, ...drawn.charts.map((chart) => chart.hit));
    drawing.replaceChildren(drawn.svg);
    move(amount);
    tell();
    if (focused >= 0) drawn.charts[focused].hit.focus();
  }

  function at(newest) {
    if (!dragging) move(newest);
  }

  function move(newest) {
    amount = newest;
    drawn?.now.setAttribute("transform", `translate(${offset(drawn, newest)} 0)`);
    clearTimeout(settling);
    settling = setTimeout(tell, SETTLE_MS);
  }

  // ---- reading and turning --------------------------------------------------------------------------------------

  function wire(chart) {
    const { hit } = chart;
    const turn = (event) => {
      const wanted = snapped(curves, partAt(event));
      read(chart, partAt(event));
      move(wanted);
      pick(wanted, { live: true });
    };
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
    hit.addEventListener("pointermove", (event) => (dragging ? turn(event) : read(chart, partAt(event))));
    const letGo = () => {
      if (!dragging) return;
      dragging = false;
      pick(amount, { live: false });
      if (late) paint(late);
    };
    hit.addEventListener("pointerup", letGo);
    hit.addEventListener("pointercancel", letGo);
    hit.addEventListener("pointerleave", () => document.activeElement !== hit && hide());
    hit.addEventListener(
      "focus",
      () => hit.matches(":focus-visible") && read(chart, partOf(curves, amount ?? curves.amounts[0])),
    );
    hit.addEventListener("blur", hide);
    let looked = null; // where the keys have gone, where nothing can be turned
    hit.addEventListener("keydown", (event) => {
      const here = pick ? (amount ?? curves.amounts[0]) : (looked ?? amount ?? curves.amounts[0]);
      const wanted = stepped(curves, here, event);
      if (wanted === null) return;
      event.preventDefault();
      looked = wanted;
      read(chart, partOf(curves, wanted));
      if (!pick) return;
      move(wanted);
      tell();
      pick(wanted, { live: true });
    });
    hit.addEventListener("keyup", (event) => {
      if (pick && looked !== null && KEYS.has(event.key)) pick(amount, { live: false });
    });
  }

  // All values at the computed amount nearest to a point between 0 (left) and 1.
  function read(chart, part) {
    const index = nearest(curves, part);
    const dx = partOf(curves, curves.amounts[index]) * drawn.across;
    drawn.hover.setAttribute("transform", `translate(${dx} 0)`);
    if (readout.dataset.index !== String(index)) {
      readout.dataset.index = index;
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
    const here = amount ?? curves.amounts[0];
    const part = partOf(curves, here);
    const index = nearest(curves, part);
    const [at, computed] = [here, curves.amounts[index]].map((value) => shownAmount(curves, value));
    const words = at === computed ? at : `${at}; at ${computed}, the nearest amount computed`;
    for (const { hit, format, key } of drawn.charts) {
      hit.setAttribute("aria-valuenow", Math.round(100 * part));
      const values = curves.models.map((model) => `${modelTitle(curves, model)} ${format(model[key][index])}`);
      hit.setAttribute("aria-valuetext", `${words}: ${values.join(", ")}`);
    }
  }

  function paintTable() {
    if (details.open && curves) table.replaceChildren(tableOf(curves));
  }

  // ---- what the host says ---------------------------------------------------------------------------------------

  function wait(part) {
    if (part === null) {
      clearTimeout(busy);
      busy = 0;
      bar.hidden = true;
      return;
    }
    busy ||= setTimeout(() => (bar.hidden = false), BUSY_MS);
    bar.setAttribute("aria-valuenow", Math.round(100 * part));
    bar.firstChild.style.transform = `scaleX(${part})`;
  }

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
