// The page "Methods": a data set and a distortion are chosen; the chart shows what is known of all its models, and what
// is measured meanwhile; below it stands what each training method does, costs, gains and loses.

import { renewDatasets } from "../shared/datasets.js";
import { labelled, make, smallButton, smallMenu } from "../shared/dom.js";
import { count, shownAmount } from "../shared/format.js";
import { queryOf } from "../shared/query.js";
import { ask as askServer } from "../shared/server.js";
import { makeMethodChart } from "./chart.js";
import { makeDescriptions } from "./descriptions.js";
import { makeLegend } from "./legend.js";
import { makeNumbers } from "./numbers.js";
import { actText, notesOf, statusText } from "./status.js";

const FIRST = [25, 50, 100, 200, 300, 450, 700]; // images after which the chart is drawn anew
const FIRST_ATTACKED = [10, 25, 50, 100, 200, 300, 450, 700];
const REACHES = { near: "up to twice the published severities", whole: "all of the slider" };

export function makeMethods({ element, query, server, jobs, catalogue, tell }) {
  const chosen = {
    data: query.get("data"),
    distortion: query.get("distortion") ?? "gaussian_noise",
    reach: query.get("reach"),
    images: Number(query.get("images")) || 100,
  };
  let groups = null; // the data sets with their models
  let known = null; // what is known of the chosen distortion
  let live = null; // what was measured here so far
  let state = "asking"; // asking, measuring, paused, stopped, failed, absent, done
  let run = 0; // the newest question
  let away = true; // another page is shown
  let fetching = null; // the download under way: { data, done, total }
  const hidden = new Set();
  const reached = () => (known.reaches[chosen.reach] ? chosen.reach : Object.keys(known.reaches)[0]); // not every distortion has both
  const group = () => groups.find((one) => one.data === chosen.data);

  // ---- what stands on the page ------------------------------------------------------------------------------------

  const data = smallMenu("Models of", "The data set whose models are shown");
  const distortion = smallMenu("Accuracy under", "What is done to the images");
  const reach = smallMenu("Amounts", "How far the amount goes");
  const images = smallMenu(
    "Test images",
    "How many test images are measured here: more take longer and make the bands narrower",
  );
  const head = make(
    "div",
    { class: "m-head" },
    make("h1", {}, "Methods"),
    labelled("Models of", data),
    labelled("Accuracy under", distortion),
    labelled("Amounts", reach),
    labelled("Test images", images),
  );
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
  const said = make("div", { class: "m-said" });
  const descriptionsBox = make("div", { class: "m-ideas" });
  const descriptionsTitle = make("h2", {}, "What each method does, costs, gains and loses");
  const body = make("div", { class: "m-body", hidden: "" }, box, descriptionsTitle, descriptionsBox);
  const chart = makeMethodChart({ element: chartBox });
  const descriptions = makeDescriptions({ element: descriptionsBox, show: showDistortion });
  data.addEventListener("change", () => choose({ data: data.value }));
  distortion.addEventListener("change", () => choose({ distortion: distortion.value }));
  reach.addEventListener("change", () => choose({ reach: reach.value }));
  images.addEventListener("change", () => choose({ images: Number(images.value) }));
  act.addEventListener("click", () => {
    if (fetching?.data === chosen.data) stopDownload();
    else if (state === "measuring") stop();
    else if (state === "absent") download();
    else measure();
  });

  for (const [label, wanted] of [
    ["Distortions", false],
    ["Attacks, on each model itself", true],
  ]) {
    const own = Object.entries(catalogue.distortions).filter(([, kind]) => kind.adversarial === wanted);
    distortion.append(
      make("optgroup", { label }, ...own.map(([name, kind]) => make("option", { value: name }, kind.title))),
    );
  }

  // ---- choosing ---------------------------------------------------------------------------------------------------

  const ask = (what, question = {}) => askServer(server, "methods", { ask: what, ...question });

  async function enter() {
    if (!head.isConnected) element.append(head, said, body);
    away = false;
    if (groups) return comeBack();
    const found = await ask("overview");
    if (found.error) return fail(found.error, enter);
    groups = found.groups;
    if (!groups.length) return fail("No model here says what it was trained on; train one with 'explorer train'.");
    data.replaceChildren(...groups.map((one) => make("option", { value: one.data }, one.title)));
    const unknown = [
      ...(chosen.data && !group() ? ["no models of that data set"] : []),
      ...(catalogue.distortions[chosen.distortion] ? [] : ["no distortion of that name"]),
    ];
    if (!group()) chosen.data = groups[0].data;
    if (!catalogue.distortions[chosen.distortion]) chosen.distortion = "gaussian_noise";
    await open();
    if (unknown.length) addNote(`The address asks for what is not here: ${unknown.join(", ")}.`);
  }

  // Somebody was elsewhere on the page, where the data set may have been downloaded.
  function comeBack() {
    for (const one of groups) one.here ||= catalogue.datasets.some(({ name, here }) => here && name === one.data);
    if (state === "paused" || (state === "absent" && group().here && !fetching)) measure();
  }

  // The page is left: what is measured waits until somebody comes back.
  function leave() {
    away = true;
    if (state !== "measuring") return;
    run += 1;
    jobs.cancel("methods");
    state = "paused";
  }

  function choose(change) {
    Object.assign(chosen, change);
    groups ? open() : enter();
  }

  function showDistortion(name) {
    choose({ distortion: name });
    box.scrollIntoView({ block: "start" });
    distortion.focus({ preventScroll: true });
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
    paintMenus();
    said.replaceChildren();
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
    const stops = [...(known.adversarial ? FIRST_ATTACKED : FIRST).filter((one) => one < n && one > (live?.n ?? 0)), n];
    state = "measuring";
    for (const images of stops) {
      const from = live?.n ?? 0;
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

  function stopped(error) {
    state = error ? "failed" : "stopped";
    paintStatus(0, error);
  }

  // It goes on while something else is looked at.
  async function download() {
    const { title: name, data: dataset } = group();
    const mine = { data: dataset, done: 0, total: 0 };
    fetching = mine;
    paintStatus();
    const progress = (done, total) => {
      Object.assign(mine, { done, total });
      if (state === "absent") paintStatus();
    };
    const found = await jobs.run("download", { dataset }, { key: "methods:download", progress });
    if (fetching !== mine) return; // cancelled
    fetching = null;
    const own = chosen.data === dataset; // else another data set is looked at, whose button waited
    if (found?.datasets) {
      renewDatasets(catalogue.datasets, found.datasets);
      groups.find((one) => one.data === dataset).here = true;
      if (own) return open();
    }
    if (state === "absent") paintStatus(0, own ? (found?.error ?? `The download of ${name} was stopped.`) : null);
  }

  function stopDownload() {
    fetching = null;
    jobs.cancel("methods:download");
    paintStatus();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  function paintMenus() {
    const { sizes } = group();
    reach.replaceChildren(
      ...Object.entries(known.reaches).map(([name, { amounts }]) =>
        make(
          "option",
          { value: name, title: REACHES[name] },
          `${amounts.at(-1) < amounts[0] ? "down" : "up"} to ${shownAmount(known, amounts.at(-1))}`,
        ),
      ),
    );
    images.replaceChildren(
      ...sizes.map((size) =>
        make("option", { value: size }, size === group().rows ? `all ${count(size)}` : `first ${count(size)}`),
      ),
    );
    [data.value, distortion.value, reach.value, images.value] = [
      chosen.data,
      chosen.distortion,
      reached(),
      chosen.images,
    ];
    reach.disabled = Object.keys(known.reaches).length < 2;
  }

  function world() {
    const models = group().models.map((model) => ({
      ...model,
      label: [model.title, model.subtitle].filter(Boolean).join(" · "),
    }));
    return {
      kind: known,
      amounts: known.reaches[reached()].amounts,
      models,
      archs: models.map((one) => one.arch),
      live,
      points: known.points,
      published: known.published,
      hidden,
    };
  }

  function paint() {
    const { amounts, points, published } = world();
    title.textContent = `Accuracy under ${known.title}`;
    lead.textContent = `${known.help} ${group().title}, all ${group().models.length} models${known.adversarial ? "; each is attacked by the change made against itself" : ", on the same pixels"}. Whiskers and bands: 95 % intervals (Wilson).`;
    const notesOfChart = notesOf({
      known,
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

  function addNote(text) {
    notes.append(make("li", {}, text));
  }

  function paintStatus(done = 0, error = null) {
    box.dataset.state = state;
    const loading = state === "absent" && fetching?.data === chosen.data;
    const [clean] = known.reaches[reached()].amounts;
    const shown = known.points.filter((one) => one.amount !== clean).map((one) => one.source);
    const facts = { done, images: chosen.images, live, error, group: group(), title: known.title, shown };
    const text = statusText(state, facts, loading ? fetching : null);
    if (status.textContent !== text) status.textContent = text;
    bar.hidden = state !== "measuring" && !loading;
    bar.setAttribute("aria-label", loading ? "Downloading" : "Measuring");
    bar.value = loading ? fetching.done / group().bytes : done / chosen.images;
    act.textContent = actText(state, group(), loading);
    act.hidden = !act.textContent || (state === "absent" && (!group().bytes || (fetching !== null && !loading)));
  }

  function fail(sentence, again) {
    element.removeAttribute("aria-busy");
    body.hidden = true;
    said.replaceChildren(make("p", { role: "alert" }, sentence));
    if (!again) return;
    said.append(smallButton("Try again", null, again));
  }

  // What the address says of this page.
  function link() {
    const said = [
      ["place", "methods"],
      ["data", chosen.data],
      ["distortion", chosen.distortion],
      ["reach", chosen.reach],
      ["images", chosen.images === 100 ? null : chosen.images],
    ];
    return queryOf(said.filter(([, value]) => value));
  }

  return { enter, leave, link };
}
