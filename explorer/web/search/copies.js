// The tab "Copies": one threshold, dragged in a curve or among the distances. Points, numbers and the wall of pairs follow
// in the same frame, from what the browser holds.

/** @import { Bootstrap, Compared, Pair, PairRun, SearchPane, SearchPaneParts, Threshold, Under, WallView } from "./types.d.ts" */

import { dash } from "../shared/chart.js";
import { make, smallButton, svg } from "../shared/dom.js";
import { percent, shownAmount } from "../shared/format.js";
import { makeCurves } from "./curves.js";
import { makeNumbers } from "./numbers.js";
import { foundAt, makeBootstrap, makeRun, thresholdFor } from "./pairs.js";
import { makeStrip } from "./strip.js";
import { makeViews } from "./views.js";

const USUAL = 0.995; // the precision at which Zheng et al. report recall
const QUICK = [0.995, 0.99, 0.9];
const REST_MS = 60; // after which intervals follow

/** @type {(parts: SearchPaneParts) => SearchPane} */
export function makeCopies({ element, world }) {
  /** @type {Compared | null} */
  let found = null;
  /** @type {Threshold} */
  let threshold = { precision: USUAL };
  /** @type {WallView} */
  let view = "around";
  let [panel, lead, rival] = [0, "", ""];
  /** @type {Bootstrap} */
  let bootstrap = makeBootstrap(1, 1);
  /** @type {ReturnType<typeof makeCurves> | null} */
  let curves = null;
  let [asked, resting] = ["", 0];
  let due = false; // whether the next frame paints

  // ---- what stands on the page ------------------------------------------------------------------------------------

  const message = make("p", { class: "x-message", role: "status" });
  const bar = make("progress", { max: 1, hidden: true, "aria-label": "How far the copies are" });
  const stop = smallButton("Cancel", "Stop making copies", cancel);
  const waiting = make("div", { class: "x-waiting" }, message, bar, stop);
  const legend = make("div", {
    class: "x-legend",
    role: "group",
    "aria-label": "Models; the chosen one fills the wall",
  });
  const place = make("div");
  const strip = makeStrip({ drag: (distance) => drag({ model: lead, distance }) });
  const caption = make("p", { class: "x-caption" });
  const quick = make(
    "span",
    { class: "x-quick", role: "group", "aria-label": "Precision kept by all models" },
    "Precision ",
    ...QUICK.map((precision) =>
      smallButton(percent(precision, precision * 100 === 99.5 ? 1 : 0), "Keep this precision, for every model", () =>
        drag({ precision }),
      ),
    ),
  );
  const numbers = makeNumbers({ world, choose: (model) => follow({ lead: model }) });
  const left = make(
    "div",
    { class: "x-left" },
    legend,
    place,
    make("div", { class: "x-under" }, caption, quick),
    strip.element,
    numbers.element,
  );
  const open = (/** @type {Pair} */ pair) => world.open(pair.right, world.under()[panel]);
  const views = makeViews({ world, open, choose: follow, resized: () => found && paint() });
  const body = make("div", { class: "x-copies" }, left, views.element);
  element.append(waiting, body);
  body.hidden = true;

  // ---- asking -----------------------------------------------------------------------------------------------------

  function changed() {
    found = null;
    asked = "";
    body.hidden = true;
  }

  function shown() {
    const { run } = world.collection() ?? {};
    if (!run || asked === run) return;
    if (!world.under().length) return say("No copies are made: choose a distortion under Choose … above.");
    void compare(run);
  }

  /** @type {(run: string) => Promise<void>} */
  async function compare(run) {
    asked = run;
    body.hidden = true;
    say("Making copies, and comparing every picture with all of them …");
    bar.removeAttribute("value");
    bar.hidden = stop.hidden = false;
    const answer = await jobsRun(run);
    if (!answer || asked !== run) return;
    bar.hidden = stop.hidden = true;
    if (answer.error) {
      asked = "";
      return say(answer.error, true);
    }
    found = { runs: answer.runs.map(makeRun), under: answer.under };
    begin(found);
  }

  /** @type {(run: string) => Promise<any>} */
  const jobsRun = (run) =>
    world.jobs.run(
      "search_copies",
      { run, under: world.under() },
      {
        key: "search-copies",
        progress: (done, total) => {
          if (!total) return;
          bar.max = total;
          bar.value = done;
        },
      },
    );

  function cancel() {
    world.jobs.cancel("search-copies");
    asked = "";
    say("The copies were not made.");
    stop.hidden = bar.hidden = true;
    waiting.append(smallButton("Make them", "Begin again", () => shown()));
  }

  /** @type {(sentence: string, alert?: boolean) => void} */
  function say(sentence, alert = false) {
    waiting.hidden = false;
    waiting.replaceChildren(message, bar, stop);
    bar.hidden = stop.hidden = true;
    message.setAttribute("role", alert ? "alert" : "status");
    message.textContent = sentence;
  }

  // ---- what is held -----------------------------------------------------------------------------------------------

  /** @type {(model: string, at?: number) => PairRun} */
  const runOf = (model, at = panel) =>
    /** @type {PairRun} */ (found?.runs.find((run) => run.model === model && run.distortion === at));

  // The precision that all models keep in a panel.
  /** @type {(at: number) => number} */
  const precisionOf = (at) =>
    "precision" in threshold ? threshold.precision : foundAt(runOf(threshold.model, at), threshold.distance).precision;

  /** @type {(run: PairRun) => number} */
  const distanceOf = (run) =>
    "distance" in threshold && threshold.model === run.model
      ? threshold.distance
      : thresholdFor(run, precisionOf(run.distortion));

  /** @type {(compared: Compared) => void} */
  function begin({ runs, under }) {
    const { models, pictures } = world.collection();
    const names = models.map(({ name }) => name);
    if (!names.includes(lead)) lead = (models.find(({ learned }) => learned) ?? models[0]).name;
    if (!names.includes(rival) || rival === lead) rival = names.find((name) => name !== lead) ?? "";
    if ("model" in threshold && !names.includes(threshold.model)) threshold = { precision: USUAL };
    panel = Math.min(panel, under.length - 1);
    bootstrap = makeBootstrap(pictures);
    curves = makeCurves({
      ...{ runs, under, choose: (at) => follow({ panel: at }) },
      method: (name) => world.model(name).method,
      title: (name) => world.model(name).title,
      drag: (precision) => drag({ precision }),
    });
    place.replaceChildren(curves.element);
    paintLegend(runs);
    waiting.hidden = true;
    body.hidden = false;
    follow({});
    for (const at of [-1, ...under.keys()]) world.thumbs.ahead(pictures, at);
  }

  /** @type {(runs: PairRun[]) => void} */
  function paintLegend(runs) {
    const own = runs.filter((run) => run.distortion === 0);
    legend.replaceChildren(
      ...own.map((run, i) => {
        const { title, method } = world.model(run.model);
        const sample = svg(
          "svg",
          { width: 28, height: 10, "aria-hidden": "true" },
          svg("path", { class: "curve", d: "M1 5h26", "stroke-dasharray": dash(i) }),
        );
        const made = make(
          "button",
          { class: "x-model", "data-method": method, "data-model": run.model },
          sample,
          title,
        );
        made.title = `Show the pairs and distances of ${title}`;
        made.addEventListener("click", () => follow({ lead: run.model }));
        return made;
      }),
    );
  }

  // ---- following --------------------------------------------------------------------------------------------------

  // Another panel, model or view: what is beside the curves changes its subject.
  /** @type {(change: { panel?: number; lead?: string; rival?: string; view?: WallView }) => void} */
  function follow(change) {
    if (!found) return;
    if (change.lead === rival) rival = lead;
    ({ panel = panel, lead = lead, rival = rival, view = view } = change);
    if ("model" in threshold && threshold.model !== lead)
      threshold = { model: lead, distance: distanceOf(runOf(lead)) };
    if (!rival && (view === "right" || view === "wrong")) view = "around";
    for (const one of legend.querySelectorAll("button"))
      one.setAttribute("aria-pressed", String(one.dataset.model === lead));
    const under = found.under[panel];
    caption.replaceChildren(
      `Distances by ${world.model(lead).title} under ${named(under)}: `,
      make("b", { class: "x-key-copy" }, "copies"),
      make("b", { class: "x-key-other" }, "other pairs"),
    );
    strip.show(runOf(lead), world.model(lead).method);
    numbers.show(
      found.runs.filter((run) => run.distortion === panel),
      named(under),
    );
    paint();
  }

  /** @type {(under: Under) => string} */
  const named = (under) => `${under.title}, ${shownAmount(under, under.amount)}`;

  // The hand moves: painted once in a frame, however often it is told.
  /** @type {(to: Threshold) => void} */
  function drag(to) {
    threshold = to;
    if (!due) requestAnimationFrame(paint);
    due = true;
  }

  function paint() {
    due = false;
    if (!found || !curves || body.hidden) return;
    const own = runOf(lead);
    const at = distanceOf(own);
    curves.paint({
      ...{ panel, lead, line: precisionOf },
      point: (run) => {
        const { pairs, ...there } = foundAt(run, distanceOf(run));
        return pairs ? there : null;
      },
    });
    strip.paint(at);
    numbers.paint(distanceOf, lead);
    const other = rival ? runOf(rival) : null;
    views.paint({ own, at, other, theirs: other ? distanceOf(other) : -1, view });
    clearTimeout(resting);
    resting = window.setTimeout(() => numbers.intervals(distanceOf, bootstrap), REST_MS);
  }

  return { changed, shown, painted: () => found && paint() };
}
