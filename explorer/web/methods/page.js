// The page "Methods": a data set and a distortion are chosen; the chart shows what is known of all its models, and what
// is measured meanwhile; below it is described what each training method does, costs, gains and loses.

/** @import { Catalogue, Jobs, Known, LiveValues, MeasureState, MethodGroup, MethodsChosen, MethodsData, Progress, Server } from "../types.d.ts" */

import { renewDatasets } from "../shared/datasets.js";
import { make, smallButton } from "../shared/dom.js";
import { queryOf } from "../shared/query.js";
import { ask as askServer } from "../shared/server.js";
import { makeMethodChart } from "./chart.js";
import { makeDescriptions } from "./descriptions.js";
import { makeEveryday } from "./everyday.js";
import { makeLegend } from "./legend.js";
import { makeMenus } from "./menus.js";
import { makeNumbers } from "./numbers.js";
import { makeRemedies } from "./remedies.js";
import { actText, notesOf, statusText } from "./status.js";

const FIRST = [25, 50, 100, 200, 300, 450, 700]; // images after which the chart is redrawn
const FIRST_ATTACKED = [10, 25, 50, 100, 200, 300, 450, 700];

/** @type {(parts: { element: HTMLElement; query: URLSearchParams; server: Server; jobs: Jobs; catalogue: Catalogue; tell: () => void }) => { enter: () => Promise<void>; leave: () => void; link: () => string }} */
export function makeMethods({ element, query, server, jobs, catalogue, tell }) {
  /** @type {MethodsChosen} */
  const chosen = {
    data: query.get("data"),
    distortion: query.get("distortion") ?? "gaussian_noise",
    reach: query.get("reach"),
    images: Number(query.get("images")) || 100,
  };
  /** @type {MethodGroup[] | null} */
  let groups = null; // the data sets with their models
  /** @type {Known | null} */
  let known = null; // what is known of the chosen distortion
  /** @type {LiveValues | null} */
  let live = null; // what was measured here so far
  /** @type {MeasureState} */
  let state = "asking"; // asking, measuring, paused, stopped, failed, absent, done
  let run = 0; // the newest question
  let away = true; // another page is shown
  /** @type {{ data: string; done: number; total: number } | null} */
  let fetching = null; // the download under way: { data, done, total }
  /** @type {Set<string>} */
  const hidden = new Set();
  /** @type {() => string} */
  const reached = () => {
    const names = Object.keys(facts().reaches); // not every distortion has both
    return names.find((name) => name === chosen.reach) ?? names[0];
  };
  /** @type {() => MethodGroup} */
  const group = () => /** @type {MethodGroup} */ (groups?.find((one) => one.data === chosen.data));
  // What is known of the chosen distortion, once it was asked for.
  const facts = () => /** @type {Known} */ (known);

  // ---- what stands on the page ------------------------------------------------------------------------------------

  const menus = makeMenus({ catalogue, choose });
  const title = make("h2", {});
  const lead = make("p", { class: "soft" });
  const chartBox = make("div", {});
  const bar = make("progress", { "aria-label": "Measuring", max: 1, hidden: "" });
  const status = make("span", { role: "status" });
  const act = make("button", { class: "small-button", hidden: "" });
  const notes = make("ul", { class: "m-notes" });
  const legend = makeLegend({ hidden, toggled: () => paintChart() });
  const numbers = makeNumbers({ world: () => known && world() });
  const box = make(
    "section",
    { class: "m-box" },
    title,
    lead,
    legend.element,
    chartBox,
    make("div", { class: "m-status" }, bar, status, act),
    notes,
    numbers.element,
  );
  const message = make("div", { class: "m-message" });
  const descriptionsBox = make("div", { class: "m-methods" });
  const descriptionsTitle = make("h2", {}, "What each method does, costs, gains and loses");
  const body = make("div", { class: "m-body", hidden: "" }, box, descriptionsTitle, descriptionsBox);
  const chart = makeMethodChart({ element: chartBox });
  const descriptions = makeDescriptions({ element: descriptionsBox, show: showDistortion });
  act.addEventListener("click", () => {
    if (fetching?.data === chosen.data) stopDownload();
    else if (state === "measuring") stop();
    else if (state === "absent") download();
    else measure();
  });

  // ---- choosing ---------------------------------------------------------------------------------------------------

  /** @type {(what: string, question?: object) => Promise<any>} */
  const ask = (what, question = {}) => askServer(server, "methods", { ask: what, ...question });

  async function enter() {
    if (!menus.element.isConnected) element.append(menus.element, message, body);
    away = false;
    if (groups) return comeBack();
    const found = await ask("overview");
    if (found.error) return fail(found.error, enter);
    /** @type {MethodGroup[]} */
    const all = found.groups;
    groups = all;
    if (!all.length) return fail("No model here says what it was trained on; train one with 'explorer train'.");
    menus.fill(all);
    if (found.everyday) descriptionsTitle.before(makeEveryday(found.everyday));
    body.append(makeRemedies(found.remedies, found.measured));
    const unknown = [
      ...(chosen.data && !group() ? ["no models of that data set"] : []),
      ...(catalogue.distortions[chosen.distortion] ? [] : ["no distortion of that name"]),
    ];
    if (!group()) chosen.data = all[0].data;
    if (!catalogue.distortions[chosen.distortion]) chosen.distortion = "gaussian_noise";
    await open();
    if (unknown.length) addNote(`The address asks for what is not here: ${unknown.join(", ")}.`);
  }

  // Somebody was elsewhere on the page, where the data set may have been downloaded.
  function comeBack() {
    for (const one of groups ?? []) one.here ||= catalogue.datasets.some(({ name, here }) => here && name === one.data);
    if (state === "paused" || (state === "absent" && group().here && !fetching)) measure();
  }

  // The page is left: measuring pauses until the user returns.
  function leave() {
    away = true;
    if (state !== "measuring") return;
    run += 1;
    jobs.cancel("methods");
    state = "paused";
  }

  /** @type {(change: object) => void} */
  function choose(change) {
    Object.assign(chosen, change);
    groups ? open() : enter();
  }

  /** @type {(name: string) => void} */
  function showDistortion(name) {
    choose({ distortion: name });
    box.scrollIntoView({ block: "start" });
    menus.distortion.focus({ preventScroll: true });
  }

  async function open() {
    const mine = ++run;
    jobs.cancel("methods");
    element.setAttribute("aria-busy", "true");
    box.dataset.state = state = "asking"; // until the answer is there, nothing can be stopped or gone on with
    act.hidden = bar.hidden = true;
    const found = await ask("known", { data: chosen.data, distortion: chosen.distortion });
    if (mine !== run) return;
    element.removeAttribute("aria-busy");
    if (found.error) return fail(found.error, open);
    known = found;
    live = null;
    const { sizes } = group();
    if (!sizes.includes(chosen.images))
      chosen.images = sizes.filter((size) => size <= chosen.images).at(-1) ?? sizes[0];
    menus.paint(chosen, facts(), group(), reached());
    message.replaceChildren();
    body.hidden = false;
    descriptions.paint(group(), (name) => catalogue.distortions[name].title);
    paint();
    tell();
    measure();
  }

  // ---- measuring --------------------------------------------------------------------------------------------------

  async function measure() {
    const mine = ++run;
    state = away ? "paused" : "absent";
    if (away || !group().here) return paintStatus();
    const n = chosen.images;
    const stops = [
      ...(facts().adversarial ? FIRST_ATTACKED : FIRST).filter((one) => one < n && one > (live?.n ?? 0)),
      n,
    ];
    state = "measuring";
    for (const images of stops) {
      const from = live?.n ?? 0;
      /** @type {Progress} */
      const progress = (done, total) =>
        mine === run && paintStatus(from + (total ? ((images - from) * done) / total : 0));
      paintStatus(from);
      const found = await jobs.run(
        "accuracy",
        { data: chosen.data, distortion: chosen.distortion, reach: reached(), images },
        { key: "methods", progress },
      );
      if (mine !== run) return;
      if (!found || found.error) return stopped(found?.error);
      live = found;
      paint();
    }
    state = "done";
    paintStatus();
  }

  function stop() {
    run += 1;
    jobs.cancel("methods");
    stopped();
  }

  /** @type {(error?: string) => void} */
  function stopped(error) {
    state = error ? "failed" : "stopped";
    paintStatus(0, error);
  }

  // It continues while something else is shown.
  async function download() {
    const { title: name, data: dataset } = group();
    const mine = { data: dataset, done: 0, total: 0 };
    fetching = mine;
    paintStatus();
    /** @type {Progress} */
    const progress = (done, total) => {
      Object.assign(mine, { done, total });
      if (state === "absent") paintStatus();
    };
    const found = await jobs.run("download", { dataset }, { key: "methods:download", progress });
    if (fetching !== mine) return; // cancelled
    fetching = null;
    const isShown = chosen.data === dataset; // else another data set is shown meanwhile
    if (found?.datasets) {
      renewDatasets(catalogue.datasets, found.datasets);
      for (const one of groups ?? []) one.here ||= one.data === dataset;
      if (isShown) return open();
    }
    if (state === "absent") paintStatus(0, isShown ? (found?.error ?? `The download of ${name} was stopped.`) : null);
  }

  function stopDownload() {
    fetching = null;
    jobs.cancel("methods:download");
    paintStatus();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  /** @type {() => MethodsData} */
  function world() {
    const models = group().models.map((model) => ({
      ...model,
      label: [model.title, model.subtitle].filter(Boolean).join(" · "),
    }));
    const { points, published, reaches } = facts();
    return {
      distortion: facts(),
      amounts: reaches[reached()].amounts,
      models,
      archs: models.map((one) => one.arch),
      live,
      points,
      published,
      hidden,
    };
  }

  function paint() {
    const { amounts, points, published, distortion } = world();
    title.textContent = `Accuracy under ${distortion.title}`;
    lead.textContent = `${distortion.help} ${group().title}, all ${group().models.length} models${distortion.adversarial ? "; each is attacked by the change made against itself" : ", on the same pixels"}. Whiskers and bands: 95 % intervals (Wilson).`;
    const notesOfChart = notesOf({
      known: distortion,
      group: group(),
      amounts,
      values: [...points, ...published],
      whole: reached() === "whole",
    });
    notes.replaceChildren(...notesOfChart.map((one) => make("li", {}, one)));
    paintChart();
    numbers.paint();
  }

  function paintChart() {
    legend.paint(world());
    chart.paint(world());
  }

  /** @type {(text: string) => void} */
  function addNote(text) {
    notes.append(make("li", {}, text));
  }

  /** @type {(done?: number, error?: string | null) => void} */
  function paintStatus(done = 0, error = null) {
    box.dataset.state = state;
    const loading = state === "absent" && fetching?.data === chosen.data;
    const { points, reaches, title } = facts();
    const [clean] = reaches[reached()].amounts;
    const shown = points.filter((one) => one.amount !== clean).map((one) => one.source);
    const all = { done, images: chosen.images, live, error, group: group(), title, shown };
    const download = loading ? fetching : null;
    const text = statusText(state, all, download);
    if (status.textContent !== text) status.textContent = text;
    bar.hidden = state !== "measuring" && !loading;
    bar.setAttribute("aria-label", loading ? "Downloading" : "Measuring");
    bar.value = download ? download.done / group().bytes : done / chosen.images;
    act.textContent = actText(state, group(), loading);
    act.hidden = !act.textContent || (state === "absent" && (!group().bytes || (fetching !== null && !loading)));
  }

  /** @type {(sentence: string, again?: () => void) => void} */
  function fail(sentence, again) {
    element.removeAttribute("aria-busy");
    body.hidden = true;
    message.replaceChildren(make("p", { role: "alert" }, sentence));
    if (!again) return;
    message.append(smallButton("Try again", null, again));
  }

  // What the address says of this page.
  function link() {
    const images = chosen.images === 100 ? null : chosen.images;
    return queryOf([
      ["place", "methods"],
      ["data", chosen.data],
      ["distortion", chosen.distortion],
      ["reach", chosen.reach],
      ["images", images],
    ]);
  }

  return { enter, leave, link };
}
