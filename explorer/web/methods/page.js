// The page "Methods": a data set and a distortion are chosen; the chart shows what is known of all its models, and what
// is measured meanwhile; below it stands what each training method does, costs, gains and loses.

import { renewDatasets } from "../shared/datasets.js";
import { labelled, make, smallButton, smallMenu } from "../shared/dom.js";
import { count, shownAmount } from "../shared/format.js";
import { queryOf } from "../shared/query.js";
import { ask as askServer } from "../shared/server.js";
import { makeMethodChart, SOURCES, sourceSample } from "./chart.js";
import { makeDescriptions } from "./descriptions.js";
import { makeNumbers } from "./numbers.js";

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
  const legend = make("div", {
    class: "m-legend",
    role: "group",
    "aria-label": "Where the numbers come from: choose what is shown",
  });
  const chartBox = make("div", {});
  const bar = make("progress", { "aria-label": "Measuring", max: 1, hidden: "" });
  const status = make("span", { role: "status" });
  const act = make("button", { class: "small-button", hidden: "" });
  const notes = make("ul", { class: "m-notes" });
  const numbers = makeNumbers({ world: () => known && world() });
  const box = make(
    "section",
    { class: "m-box" },
    title,
    lead,
    legend,
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
  act.addEventListener("click", () =>
    fetching?.data === chosen.data
      ? stopDownload()
      : state === "measuring"
        ? stop()
        : state === "absent"
          ? download()
          : measure(),
  );

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
    const mine = (fetching = { data: dataset, done: 0, total: 0 });
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
    const [mild, strong] = [amounts[0], amounts.at(-1)];
    const beyond = [...points, ...published].filter(
      (one) => (one.amount - strong) * Math.sign(strong - mild) > 1e-9,
    ).length;
    notes.replaceChildren(...known.said.map((one) => make("li", {}, one)));
    if (!group().here && group().bytes)
      addNote(`Or put ${chosen.data}.npz into a folder and start the explorer with EXPLORER_DATA=FOLDER.`);
    const more = reached() !== "whole" ? "choose more under Amounts" : "they stand in the table below";
    if (beyond) addNote(`${beyond} values lie beyond ${shownAmount(known, strong)}; ${more}.`);
    if (!known.published.some((one) => !one.clean))
      addNote(`No published accuracy under ${known.title} on ${group().title} is known here.`);
    else
      addNote(
        "Others' values come from other networks or other training, and from other noise: they are marks, not part of our curves.",
      );
    paintLegend();
    chart.paint(world());
    numbers.paint();
  }

  function addNote(text) {
    notes.append(make("li", {}, text));
  }

  function paintLegend() {
    const { points, published } = world();
    const focused = legend.contains(document.activeElement) ? document.activeElement.dataset.source : null;
    const entry = (source, there, words) => {
      if (!there) return [];
      const made = make(
        "button",
        {
          class: "small-button",
          "aria-pressed": String(!hidden.has(source)),
          title: "Show or hide",
          "data-source": source,
        },
        sourceSample(source),
        make("span", {}, SOURCES[source]),
        make("small", {}, words),
      );
      made.addEventListener("click", () => {
        if (!hidden.delete(source)) hidden.add(source);
        paintLegend();
        chart.paint(world());
      });
      return [made];
    };
    const ours = (source) => points.filter((one) => one.source === source);
    const n = (source) => [...new Set(ours(source).map((one) => count(one.n)))].join(", ");
    const theirs = (kind) => published.filter((one) => one.kind === kind);
    const sources = (kind) => [...new Set(theirs(kind).map((one) => one.source.short))].join("; ");
    legend.replaceChildren(
      ...entry("live", live, `n = ${count(live?.n ?? 0)}, seed ${live?.seed}`),
      ...entry("survey", ours("survey").length, `n = ${n("survey")}, seed ${seedOf(ours("survey"))}`),
      ...entry("card", ours("card").length, `n = ${n("card")}, seed ${seedOf(ours("card"))}`),
      ...entry("stated", theirs("stated").length, sources("stated")),
      ...entry("measured", theirs("measured").length, sources("measured")),
    );
    if (focused) legend.querySelector(`[data-source=${focused}]`)?.focus();
  }

  const seedOf = (points) => [...new Set(points.map((one) => one.seed).filter((seed) => seed !== null))].join(", ");

  function paintStatus(done = 0, error = null) {
    box.dataset.state = state;
    const all = chosen.images;
    const part = live?.n ? `the first ${count(live.n)}` : "no";
    const { title: name, bytes, host } = group();
    const megabytes = (number) => Math.round(number / 1e6);
    const loading = state === "absent" && fetching?.data === chosen.data;
    const changed = known.points.filter((one) => one.amount !== known.reaches[reached()].amounts[0]);
    const from = [
      ["card", "the cards"],
      ["survey", "the shipped survey"],
    ]
      .filter(([source]) => changed.some((one) => one.source === source))
      .map(([, words]) => words);
    const shown = from.length
      ? `What is shown comes from ${from.join(" and ")}.`
      : `No card and no shipped survey knows ${known.title}.`;
    const words = {
      measuring: `Measuring here: ${count(Math.floor(done))} of ${count(all)} images …`,
      stopped: `Stopped after ${part} images.`,
      failed: error,
      done: `Measured here on the first ${count(live?.n ?? 0)} test images, seed ${live?.seed}.`,
      absent: error ?? `${name} is not on this machine, so that nothing can be measured here. ${shown}`,
    }[state];
    const text = loading
      ? `Downloading ${name}: ${megabytes(fetching.done)} of ${megabytes(bytes)} MB …`
      : (words ?? "");
    if (status.textContent !== text) status.textContent = text;
    bar.hidden = state !== "measuring" && !loading;
    bar.setAttribute("aria-label", loading ? "Downloading" : "Measuring");
    bar.value = loading ? fetching.done / bytes : done / all;
    const acts = {
      measuring: "Cancel",
      stopped: "Go on",
      failed: "Try again",
      absent: loading ? "Cancel" : `Download ${megabytes(bytes)} MB from ${host}`,
    };
    act.textContent = acts[state] ?? "";
    act.hidden = !act.textContent || (state === "absent" && (!bytes || (fetching && !loading)));
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
      ["page", "methods"],
      ["data", chosen.data],
      ["distortion", chosen.distortion],
      ["reach", chosen.reach],
      ["images", chosen.images === 100 ? null : chosen.images],
    ];
    return queryOf(said.filter(([, value]) => value));
  }

  return { enter, leave, link };
}
