// The tab "In the network": how far each stage's features moved, which channels moved most, and where each network sees
// evidence for its answer. The bars follow a drag, for their numbers come with every answer; the rest is asked once it
// has ended.

import { dot, make } from "../../shared/dom.js";
import { degrees, measured } from "../../shared/format.js";
import { makeLinkedMaps } from "./maps.js";
import { titleOf } from "./titles.js";

const BUSY_MS = 300; // nothing moves before that
const WAITING = "This follows as soon as the panel above has its answer.";
const ANGLE =
  "The angle between the clean and the distorted features of this stage: arccos of their cosine similarity, in degrees. 0°: the same direction; it does not depend on how large the features are.";
const LENGTH =
  "The distance between the clean and the distorted features of this stage: ‖f(x′) − f(x)‖₂. It grows with the number of features, so compare it within a stage.";
const SCALE =
  "All clean and distorted maps of a model share one scale: the larger a value, the more it stands out from the page. In the difference, the model’s colour is more than before and grey is less.";
const CAM =
  "Where in the picture the last layer with spatial feature maps finds evidence for a class: solid speaks for it, hollow against it (Grad-CAM).";
const CAM_FORMULA =
  "Grad-CAM: L = Σₖ αₖ Aₖ, where Aₖ is channel k of the layer and αₖ the mean over it of ∂(score of the class)/∂Aₖ; without the final ReLU, so that evidence against the class shows as well. Selvaraju et al. 2017.";

export function makeNetworkView({ element, page, jobs }) {
  const bars = makeBars({ page, choose });
  const heading = (text, help) => make("h4", { title: help }, text);
  const channelsTitle = heading(
    "",
    "Channels: the maps that a stage makes of the picture, one per feature it looks for.",
  );
  const channels = makePart({
    kind: "channels",
    words: "Looking into the networks",
    ask: (state) => ({ state, layer }),
    paint: paintChannels,
    keys: "Channels. Arrow keys move the cross-hair, plus and minus zoom, 0 shows all.",
  });
  const evidence = makePart({
    kind: "evidence",
    words: "Looking for evidence",
    ask: (state) => ({ state }),
    paint: paintEvidence,
    keys: "Class-evidence maps. Arrow keys move the cross-hair, Shift and arrows the section, plus and minus zoom, 0 shows all.",
  });
  const tool = (text, label, act) => {
    const button = make("button", { "aria-label": label, title: label }, text);
    button.addEventListener("click", act);
    return button;
  };
  const tools = make(
    "span",
    { class: "tools" },
    tool("−", "Zoom out", () => evidence.maps.zoom(1 / 1.5)),
    tool("+", "Zoom in (also double click, or Ctrl and the wheel)", () => evidence.maps.zoom(1.5)),
    tool("whole", "Show the whole picture", () => evidence.maps.whole()),
  );
  element.append(
    make("section", {}, heading("How far the features moved, stage by stage", `${ANGLE} ${LENGTH}`), bars.element),
    make(
      "section",
      {},
      make("header", {}, channelsTitle, channels.where, channels.spoken),
      make("p", { class: "soft" }, SCALE),
      channels.element,
    ),
    make(
      "section",
      {},
      make("header", {}, heading("What the answers rest on", CAM_FORMULA), evidence.where, evidence.spoken, tools),
      make("p", { class: "soft", title: CAM_FORMULA }, CAM),
      evidence.element,
    ),
  );
  let layer = null; // the stage whose channels are shown
  let latest = null; // what `update` was told last
  let silent = ""; // why the panel has no answer to the present question, where it has none
  // Heard on its way down, before the page tells its views of an answer.
  document.addEventListener(
    "answer",
    ({ detail }) => {
      silent = detail.error ?? "";
      for (const part of silent ? [channels, evidence] : []) part.stop();
    },
    true,
  );

  function update(news) {
    latest = news;
    const layers = bars.paint(news.answer, news.live);
    if (!layers.includes(layer)) layer = layers[0] ?? null;
    bars.mark(layer);
    channelsTitle.textContent = layer ? `The channels that changed most: ${named(layer)}` : "";
    if (layer) channels.update(news);
    evidence.update(news);
  }

  function choose(name) {
    layer = name;
    if (latest) update(latest);
  }

  // A piece of the view that a job fills: greyed while it belongs to another question, silent for the first 300 ms.
  function makePart({ kind, words, ask, paint, keys }) {
    const where = make("span", { class: "where" });
    const spoken = make("span", { class: "spoken", role: "status" });
    const body = make(
      "div",
      { class: kind, role: "group", "aria-label": keys },
      make("p", { class: "failed" }, WAITING),
    );
    const describe = (text) => {
      if (!("busy" in where.dataset)) where.textContent = text;
    };
    const maps = makeLinkedMaps({ element: body, describe, speak: (text) => (spoken.textContent = text) });
    let asked = null;
    let drawn = null;
    let failed = null;
    let busy = 0;

    function tell(text, isBusy) {
      where.textContent = text;
      if (text) spoken.textContent = text;
      if (isBusy) where.dataset.busy = "";
      else delete where.dataset.busy;
    }

    function stop() {
      clearTimeout(busy);
      if (asked) jobs.cancel(kind);
      asked = null;
      tell(silent, false);
    }

    async function settle({ answer, question, live }) {
      const wanted = ask(question);
      const key = JSON.stringify(wanted);
      body.classList.toggle("stale", key !== drawn);
      if (key === drawn || (live && asked !== key)) return stop();
      if (key === asked || key === failed) return;
      stop();
      asked = key;
      busy = setTimeout(() => tell(`${words} …`, true), BUSY_MS);
      const found = await jobs.run(kind, wanted, { key: kind });
      if (asked !== key) return; // another question has superseded this one
      stop();
      maps.clear();
      body.classList.remove("stale");
      failed = found?.models ? null : key;
      drawn = failed ? null : key;
      if (failed)
        body.replaceChildren(
          make(
            "p",
            { class: "failed", role: "alert" },
            found?.error ?? "This was cancelled; change something to ask again.",
          ),
        );
      else body.replaceChildren(...found.models.map((model) => paint(model, answer, maps)));
    }

    return { element: body, where, spoken, maps, update: settle, stop };
  }

  // ---- the maps ---------------------------------------------------------------------------------------------------

  function block(model, note, ...rows) {
    const title = make("h5", {}, dot(), titleOf(page, model.name), make("small", {}, note));
    return make("section", { class: "model", "data-method": page.method(model.name) ?? "" }, title, ...rows);
  }

  const sorry = (model) => block(model, "", make("p", { class: "soft" }, model.error));

  function paintChannels(model, { pinned }, maps) {
    if (model.error) return sorry(model);
    const { low, high, swing } = model;
    const scale = {
      clean: { low, high },
      distorted: { low, high },
      difference: { low: -swing, high: swing, signed: true, solid: true },
    };
    const rows = Object.entries(scale).map(([row, range]) => {
      const said = row === "clean" && pinned ? "pinned" : row;
      const cells = model.channels.map((channel) =>
        maps.frame({ map: { ...channel[row], ...range }, label: `Channel ${channel.index}, ${said}` }),
      );
      const told = range.signed
        ? `−${measured(swing)} to +${measured(swing)}`
        : `${measured(low)} to ${measured(high)}`;
      return make(
        "div",
        { class: "line" },
        make(
          "span",
          { class: "soft" },
          said,
          make("small", { title: "The scale that all maps of this row share" }, told),
        ),
        ...cells,
      );
    });
    const single = model.channels.every(({ clean }) => clean.width * clean.height === 1); // the layer is a vector
    const head = make(
      "div",
      { class: "line" },
      make("span"),
      ...model.channels.map(({ index, distance }) =>
        make(
          "b",
          { title: `Channel ${index}: its map moved by ${measured(distance)} (L2)` },
          `${index}`,
          make("small", {}, ` Δ ${measured(distance)}`),
        ),
      ),
    );
    const all =
      model.channels.length === model.total
        ? `all ${model.total} channels`
        : `${model.channels.length} of ${model.total} channels`;
    return block(model, all, make("div", { class: single ? "lines single" : "lines" }, head, ...rows));
  }

  function paintEvidence(model, answer, maps) {
    if (model.error) return sorry(model);
    const range = { low: -model.limit, high: model.limit, signed: true };
    const figure = (which, map) => {
      const said = which === "clean" && answer.pinned ? "pinned" : which;
      const label = `Evidence for ${map.class} in the ${said} picture`;
      const words = make("figcaption", {}, make("span", { class: "soft" }, said), " for ", make("b", {}, map.class));
      return make("figure", {}, maps.frame({ map: { ...map, ...range }, under: answer.images[which], label }), words);
    };
    const shown = [figure("clean", model.clean), figure("distorted", model.distorted)];
    if (model.other) shown.push(figure("distorted", model.other));
    return block(
      model,
      `${named(model.layer)}, ${model.grid.join(" × ")}; full colour: ±${measured(model.limit)}`,
      make("div", { class: "figures" }, ...shown),
    );
  }

  function hide() {
    channels.stop();
    evidence.stop();
  }

  return { update, hide };
}

// Two bars for each model at each stage, the angle and the distance; a stage's name is a button.
function makeBars({ page, choose }) {
  const table = make("table");
  let drawn = null; // the models and stages that the rows are for
  let cells = [];
  let longest = 1;

  function build(models, layers) {
    const head = make(
      "tr",
      {},
      make("th", { scope: "col" }, "stage"),
      make("th", { scope: "col" }, "model"),
      make("th", { scope: "col", title: ANGLE }, "angle"),
      make("th", { scope: "col", title: LENGTH }, "distance, L2"),
    );
    cells = [];
    const bodies = layers.map((name) => {
      const own = models.filter((model) => name in model.feature_distance);
      const button = make("button", { "data-layer": name, title: `Show the channels of ${named(name)}` }, named(name));
      button.addEventListener("click", () => choose(name));
      const rows = own.map((model) => {
        const [angle, l2] = [makeBar(), makeBar()];
        cells.push({ model: model.name, layer: name, angle, l2 });
        return make(
          "tr",
          { "data-method": model.method },
          make("td", {}, dot(), titleOf(page, model.name)),
          angle.cell,
          l2.cell,
        );
      });
      rows[0].prepend(make("th", { scope: "rowgroup", rowspan: String(own.length) }, button));
      return make("tbody", {}, ...rows);
    });
    table.replaceChildren(make("thead", {}, head), ...bodies);
  }

  function makeBar() {
    const [bar, text] = [make("i"), make("b")];
    return { bar, text, cell: make("td", { class: "bar" }, make("span", { class: "track" }, bar), text) };
  }

  function paint({ models }, live) {
    const layers = [...new Set(models.flatMap((model) => Object.keys(model.feature_distance)))];
    const key = JSON.stringify([layers, models.map(({ name, method }) => [name, method])]);
    if (key !== drawn) build(models, layers);
    drawn = key;
    const all = models.flatMap((model) => Object.values(model.feature_distance));
    const [far, wide] = [Math.max(1e-9, ...all.map(({ l2 }) => l2)), Math.max(0, ...all.map(degrees)) > 90 ? 180 : 90];
    longest = live ? Math.max(longest, far) : far; // during a drag the scale only grows
    const byName = Object.fromEntries(models.map((model) => [model.name, model.feature_distance]));
    for (const { model, layer, angle, l2 } of cells) {
      const found = byName[model][layer];
      set(angle, degrees(found) / wide, `${degrees(found).toFixed(1)}°`);
      set(l2, found.l2 / longest, measured(found.l2));
    }
    return layers;
  }

  function set({ bar, text }, part, words) {
    bar.style.width = `${(100 * part).toFixed(2)}%`;
    text.textContent = words;
  }

  function mark(layer) {
    for (const button of table.querySelectorAll("button[data-layer]"))
      button.setAttribute("aria-pressed", String(button.dataset.layer === layer));
  }

  return { element: table, paint, mark };
}

// "stage1" becomes "stage 1"; "penultimate" is said in words that need no course.
export function named(layer) {
  return layer === "penultimate" ? "last before the answer" : layer.replaceAll("_", " ").replace(/(\D)(\d+)$/, "$1 $2");
}
