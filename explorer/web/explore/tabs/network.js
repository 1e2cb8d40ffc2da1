// The tab "In the network": how far each stage's features moved, which channels moved most, and where each network sees
// evidence for its answer. The bars follow a drag, for their numbers come with every answer; the rest is asked once it
// has ended.

/** @import { Answer, LinkedMaps, News, Question, View, ViewParts } from "../../types.d.ts" */

import { make } from "../../shared/dom.js";
import { onAnswer } from "./events.js";
import { HELP, makeBars } from "./layer_bars.js";
import { makeLinkedMaps } from "./maps.js";
import { paintChannels, paintEvidence } from "./network_maps.js";
import { named } from "./titles.js";

const BUSY_MS = 300; // nothing moves before that
const WAITING = "This follows as soon as the panel above has its answer.";
const SCALE =
  "All clean and distorted maps of a model share one scale: the larger a value, the stronger its contrast with the page. In the difference, the model’s colour is more than before and grey is less.";
const CAM =
  "Where in the picture the last layer with spatial feature maps finds evidence for a class: solid supports it, hollow opposes it (Grad-CAM).";
const CAM_FORMULA =
  "Grad-CAM: L = Σₖ αₖ Aₖ, where Aₖ is channel k of the layer and αₖ the mean over it of ∂(score of the class)/∂Aₖ; without the final ReLU, so that evidence against the class shows as well. Selvaraju et al. 2017.";

/** @type {(parts: ViewParts) => View} */
export function makeNetworkView({ element, page, jobs }) {
  const bars = makeBars({ page, choose });
  /** @type {(text: string, help: string) => HTMLElement} */
  const heading = (text, help) => make("h4", { title: help }, text);
  const channelsTitle = heading(
    "",
    "Channels: the maps that a stage makes of the picture, one per feature it looks for.",
  );
  const channels = makePart({
    handler: "channels",
    words: "Looking into the networks",
    ask: (state) => ({ state, layer }),
    paint: paintChannels,
    keys: "Channels. Arrow keys move the cross-hair, plus and minus zoom, 0 shows all.",
  });
  const evidence = makePart({
    handler: "evidence",
    words: "Looking for evidence",
    ask: (state) => ({ state }),
    paint: paintEvidence,
    keys: "Class-evidence maps. Arrow keys move the cross-hair, Shift and arrows the section, plus and minus zoom, 0 shows all.",
  });
  /** @type {(text: string, label: string, act: () => void) => HTMLElement} */
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
    make("section", {}, heading("How far the features moved, stage by stage", HELP), bars.element),
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
  /** @type {string | null} */
  let layer = null; // the stage whose channels are shown
  /** @type {News | null} */
  let latest = null; // what `update` was told last
  let silent = ""; // why the panel has no answer to the present question, where it has none
  // Heard on its way down, before the page tells its views of an answer.
  onAnswer(({ error }) => {
    silent = error ?? "";
    for (const part of silent ? [channels, evidence] : []) part.stop();
  }, true);

  /** @type {View["update"]} */
  function update(news) {
    latest = news;
    const layers = bars.paint(news.answer.models, news.live);
    if (layer === null || !layers.includes(layer)) layer = layers[0] ?? null;
    bars.mark(layer);
    channelsTitle.textContent = layer ? `The channels that changed most: ${named(layer)}` : "";
    if (layer) channels.update(news);
    evidence.update(news);
  }

  /** @type {(name: string) => void} */
  function choose(name) {
    layer = name;
    if (latest) update(latest);
  }

  // A piece of the view that a job fills: greyed while it belongs to another question, silent for the first 300 ms.
  /** @type {(part: { handler: string; words: string; ask: (state: Question) => object; paint: (model: any, answer: Answer, maps: LinkedMaps, page: ViewParts["page"]) => HTMLElement; keys: string }) => { element: HTMLElement; where: HTMLElement; spoken: HTMLElement; maps: LinkedMaps; update: (news: News) => void; stop: () => void }} */
  function makePart({ handler, words, ask, paint, keys }) {
    const where = make("span", { class: "where" });
    const spoken = make("span", { class: "spoken", role: "status" });
    const body = make(
      "div",
      { class: handler, role: "group", "aria-label": keys },
      make("p", { class: "failed" }, WAITING),
    );
    /** @type {(text: string) => void} */
    const describe = (text) => {
      if (!("busy" in where.dataset)) where.textContent = text;
    };
    /** @type {(text: string) => void} */
    const speak = (text) => {
      spoken.textContent = text;
    };
    const maps = makeLinkedMaps({ element: body, describe, speak });
    /** @type {string | null} */
    let pending = null;
    /** @type {string | null} */
    let drawn = null;
    /** @type {string | null} */
    let failed = null;
    let busy = 0;

    /** @type {(text: string, isBusy: boolean) => void} */
    function tell(text, isBusy) {
      where.textContent = text;
      if (text) spoken.textContent = text;
      if (isBusy) where.dataset.busy = "";
      else delete where.dataset.busy;
    }

    function stop() {
      clearTimeout(busy);
      if (pending) jobs.cancel(handler);
      pending = null;
      tell(silent, false);
    }

    /** @type {(news: News) => Promise<void>} */
    async function settle({ answer, question, live }) {
      const wanted = ask(question);
      const key = JSON.stringify(wanted);
      body.classList.toggle("stale", key !== drawn);
      if (key === drawn || (live && pending !== key)) return stop();
      if (key === pending || key === failed) return;
      stop();
      pending = key;
      busy = setTimeout(() => tell(`${words} …`, true), BUSY_MS);
      const found = await jobs.run(handler, wanted, { key: handler });
      if (pending !== key) return; // another question has superseded this one
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
      else body.replaceChildren(...found.models.map((/** @type {any} */ model) => paint(model, answer, maps, page)));
    }

    return { element: body, where, spoken, maps, update: settle, stop };
  }

  function hide() {
    channels.stop();
    evidence.stop();
  }

  return { update, hide };
}
