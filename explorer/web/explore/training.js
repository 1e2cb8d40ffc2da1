// A stabilization that is going on: its stage, its curves on pictures that are held out, and what came of it.

/** @import { AddedNetwork, Jobs, Notice, StabilizeFound, StabilizeGain, StabilizeNews, StabilizeQuestion, WatchedPoint } from "../types.d.ts" */

import { ceiling, drawFrame, EDGES, pathOf } from "../shared/chart.js";
import { openDialog } from "../shared/dialog.js";
import { make, saveFile, smallButton, svg } from "../shared/dom.js";
import { count, percent, points } from "../shared/format.js";

const EVERY_MS = 700; // between two questions of how far it is
/** @type {Record<string, string>} */
const STAGES = {
  features: "Storing features",
  rate: "Finding a learning rate",
  training: "Training",
  choice: "Asking the watched pictures",
  control: "Training the control",
  report: "Measuring for the report",
};
const [WIDE, TALL] = [330, 110]; // px of a chart and of its lines

/** @type {(parts: { jobs: Jobs; notice: Notice; added: (found: AddedNetwork, start: string) => void }) => { start: (question: StabilizeQuestion, title: string) => Promise<void>; show: () => boolean }} */
export function makeTraining({ jobs, notice, added }) {
  /** @type {{ title: string; body: HTMLElement } | null} */
  let running = null;

  // The window of the one that is going on; false where there is none.
  function show() {
    if (!running) return false;
    openDialog(running.title, running.body).classList.add("f-window");
    return true;
  }

  /** @type {(question: StabilizeQuestion, title: string) => Promise<void>} */
  async function start(question, title) {
    const run = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("-");
    const bar = make("progress", { "aria-label": "How far this stage is" });
    const far = make("small", { role: "status" }, "Reading the pictures …");
    const curves = make("div", { class: "s-curves" });
    const told = make("p", { class: "soft" });
    const keep = smallButton(
      "Stop, keep what it reached",
      "The training ends after this step; the report follows",
      stop,
    );
    const cancel = smallButton("Cancel", "End it, and keep nothing", () => {
      jobs.cancel("stabilize-run");
      close();
      notice.show("The training was cancelled; nothing was kept.");
    });
    const body = make(
      "div",
      {},
      make("p", { class: "soft" }, "It goes on while this window is closed; keep the page open."),
      bar,
      far,
      curves,
      told,
      make("div", { class: "turn" }, keep, cancel),
    );
    const mine = { title: `Stabilizing ${title}`, body };
    running = mine;
    show();
    const asking = setInterval(ask, EVERY_MS);
    const found = await jobs.run("stabilize_run", { ...question, run }, { key: "stabilize-run" });
    clearInterval(asking);
    if (running !== mine) return; // cancelled
    close();
    if (!found?.families) {
      notice.show(found?.error ?? "The training ended before it was finished.", { error: true });
      return;
    }
    added(found, question.model);
    showFound(found, title);

    function close() {
      running = null;
      clearInterval(asking);
      body.closest("dialog")?.close();
    }

    function stop() {
      keep.disabled = true;
      far.textContent = "The training ends after this step; what it has reached is kept.";
      jobs.run("stabilize_stop", { run });
    }

    async function ask() {
      /** @type {StabilizeNews | null} */
      const news = await jobs.run("stabilize_news", { run }, { key: "stabilize-news" });
      if (running !== mine || !news?.stage) return;
      bar.max = Math.max(1, news.total);
      bar.value = news.done;
      if (["control", "report"].includes(news.stage)) keep.disabled = news.stage === "report";
      const left = news.seconds > 90 ? `, about ${Math.ceil(news.seconds / 60)} minutes left` : "";
      far.textContent = `${STAGES[news.stage]}: ${count(news.done)} of ${count(news.total)}${left}`;
      if (!news.curve.length || curves.dataset.points === String(news.curve.length)) return;
      curves.dataset.points = String(news.curve.length);
      curves.replaceChildren(...drawCurves(news.curve));
      const [first, last] = [news.curve[0], news.curve[news.curve.length - 1]];
      told.textContent = `On pictures that are held out: ${percent(last.agreement, 1)} of clean answers stay, ${percent(last.flips, 1)} flip when distorted (${percent(first.flips, 1)} before).`;
    }
  }

  return { start, show };
}

/** @type {(curve: WatchedPoint[]) => SVGSVGElement[]} */
function drawCurves(curve) {
  return [
    drawCurve(curve, "agreement", "Clean answers that stay"),
    drawCurve(curve, "flips", "Answers that flip when distorted"),
  ];
}

// One curve over the steps of the training.
/** @type {(curve: WatchedPoint[], key: "agreement" | "flips", title: string) => SVGSVGElement} */
function drawCurve(curve, key, title) {
  const values = curve.map((point) => point[key]);
  const low = key === "flips" ? 0 : Math.min(0.9, Math.floor(20 * Math.min(...values)) / 20);
  const high = key === "flips" ? ceiling(Math.max(...values, 0.1)) : 1;
  const [x, y, across] = [EDGES.left, EDGES.top, WIDE - EDGES.left - EDGES.right];
  const most = Math.max(1, curve[curve.length - 1].step);
  /** @type {(step: number) => number} */
  const px = (step) => x + (across * step) / most;
  /** @type {(value: number) => number} */
  const py = (value) => y + TALL * (1 - (value - low) / (high - low));
  const last = curve[curve.length - 1];
  const drawing = svg("svg", {
    viewBox: `0 0 ${WIDE} ${TALL + EDGES.top + EDGES.bottom}`,
    role: "img",
    "aria-label": `${title}: ${percent(values[0], 1)} at the start, ${percent(last[key], 1)} after ${count(last.step)} steps`,
  });
  drawing.append(
    drawFrame({
      ...{ x, y, across, tall: TALL, title },
      levels: [low, (low + high) / 2, high].map((value) => [py(value), percent(value, 1).replace(".0", "")]),
      ticks: [0, most].map((step) => [px(step), count(step)]),
      axis: "steps",
    }),
    svg("path", { class: "line", d: pathOf(curve.map((point) => [px(point.step), py(point[key])])) }),
    ...curve.map((point) => svg("circle", { cx: px(point.step), cy: py(point[key]), r: 2.5 })),
  );
  return drawing;
}

// What came of it: key numbers, and the whole report as a file.
/** @type {(found: StabilizeFound, title: string) => void} */
function showFound({ name, html, folder, report, examples }, title) {
  const page = new Blob([html], { type: "text/html" });
  /** @type {(gain: StabilizeGain | null) => string} */
  const change = (gain) => {
    if (!gain) return "none";
    const [low, high] = gain.interval.map((end) => (100 * end).toFixed(1).replace("-", "−"));
    return `${points(gain.difference)} points of answers that hold under ${gain.recipe} (95 %: ${low} to ${high})`;
  };
  /** @type {[string, string][]} */
  const rows = [
    ["Clean answers as before", `${percent(report.agreement, 1)} of ${count(report.n)} pictures`],
    ["Largest gain", change(report.gain)],
    ["Largest loss", change(report.loss)],
  ];
  if (report.accuracy) {
    rows.splice(1, 0, [
      "Accuracy, clean",
      `${percent(report.accuracy[1], 1)} (${percent(report.accuracy[0], 1)} before)`,
    ]);
  }
  const list = make(
    "dl",
    { class: "s-found" },
    ...rows.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]),
  );
  const warnings = report.warnings.map((sentence) => make("p", { role: "note" }, sentence));
  const open = make(
    "a",
    { class: "small-button strong", href: URL.createObjectURL(page), target: "_blank" },
    "Open the report",
  );
  const dialog = openDialog(
    `${title}, stabilized`,
    make("p", {}, `“${name}” stands beside the model that it was made of.`),
    list,
    ...warnings,
    make("div", { class: "s-curves" }, ...drawCurves(report.curve)),
    make("ul", { class: "s-examples", "aria-label": "Telling pictures" }, ...examples.map(drawExample)),
    make("p", { class: "soft" }, `Weights, card, report and a script that repeats it are in ${folder}.`),
    make(
      "div",
      { class: "turn" },
      smallButton("Save the report", "As one HTML file", () => saveFile(`${name}.html`, page)),
      open,
    ),
  );
  dialog.classList.add("f-window");
  open.focus();
}

// A telling picture; it opens in the explorer, in another tab, where it has an address.
/** @type {(example: StabilizeFound["examples"][0]) => HTMLElement} */
function drawExample({ kind, picture, before, after, query }) {
  const told = `${kind}: before ${before}, stabilized ${after}`;
  const image = make("img", { src: picture, alt: told });
  const link = query
    ? make("a", { href: `?${query}`, target: "_blank", title: "Open in the explorer, in another tab" }, image)
    : image;
  const lines = [`before ${before}`, `stabilized ${after}`].map((text) => make("small", {}, text));
  return make("li", {}, link, make("b", {}, kind), ...lines);
}
