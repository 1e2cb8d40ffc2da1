// The page "Search": pictures and models are chosen once; then copies, relatives and one's own duplicates are looked for.
// What is drawn where is in the modules beside this one.

/** @import { Catalogue, Jobs, Notice, Page, Server, State } from "../types.d.ts" */
/** @import { Amount, Collection, OwnPictures, SearchPane, SearchSetup, SearchWorld } from "./types.d.ts" */

import { make, smallButton } from "../shared/dom.js";
import { count, counted } from "../shared/format.js";
import { ask as askServer } from "../shared/server.js";
import { makeTabs } from "../shared/tablist.js";
import { addressOf, readAddress } from "./address.js";
import { makeCleanup } from "./cleanup.js";
import { makeCopies } from "./copies.js";
import { makeRelatives } from "./relatives.js";
import { openSetup, usualSetup } from "./setup.js";
import { makeThumbs } from "./thumbs.js";

const PANES = [
  {
    name: "copies",
    title: "Copies",
    help: "Which threshold finds distorted copies, and what it takes for copies by mistake",
  },
  { name: "relatives", title: "Relatives", help: "The pictures that are nearest to one, while it is distorted" },
  { name: "cleanup", title: "Clean up", help: "Pictures that are there more than once, and which one to keep" },
];
const QUICK = 64; // px of an input up to which the page begins by itself

/** @type {(parts: { element: HTMLElement; query: URLSearchParams; server: Server; jobs: Jobs; notice: Notice; catalogue: Catalogue; page: Page; openCase: (state: Partial<State>) => void; tell: () => void }) => { enter: () => void; link: () => string }} */
export function makeSearch({ element, query, server, jobs, notice, catalogue, page, openCase, tell }) {
  const chosen = readAddress(query);
  /** @type {SearchSetup | null} */
  let setup = null; // what was asked for
  /** @type {Collection | null} */
  let collection = null;
  /** @type {OwnPictures} */
  const own = { tokens: [], files: [] };

  /** @type {(what: string, question?: object) => Promise<any>} */
  const ask = (what, question = {}) => askServer(server, "search", { ask: what, ...question });
  const under = () => setup?.under ?? [];
  const thumbs = makeThumbs({
    ask: (what, question) => ask(what, { ...question, under: under() }),
    arrived: () => panes[chosen.pane]?.painted(),
    failed: (sentence) => notice.show(sentence, { error: true }),
  });
  /** @type {SearchWorld} */
  const world = {
    ask: (what, question) => ask(what, { run: collection?.run, ...question }),
    collection: () => /** @type {Collection} */ (collection),
    catalogue,
    thumbs,
    jobs,
    notice,
    model: (name) => /** @type {any} */ (collection?.models.find((one) => one.name === name)),
    under,
    open,
  };

  // ---- what stands on the page ------------------------------------------------------------------------------------

  const about = make("small", { role: "status" });
  const bar = make("progress", { max: 1, hidden: true, "aria-label": "How far the search is" });
  const stop = smallButton("Cancel", "Stop; what was there before stays", cancel);
  const change = smallButton("Choose …", "Other pictures, models or distortions", choose);
  const head = make("div", { class: "f-head" }, make("h1", {}, "Search"), about, bar, stop, change);
  const empty = make("div", { class: "x-empty" });
  const tabs = makeTabs(PANES, {
    label: "What is looked for",
    tabId: (name) => `x-tab-${name}`,
    panelId: (name) => `x-${name}`,
    panelClass: "f-pane",
    choose: show,
  });
  const main = make("div", { class: "f-main" }, tabs.list, ...Object.values(tabs.panels));
  element.append(head, empty, main);
  stop.hidden = true;
  /** @type {Record<string, SearchPane>} */
  const panes = {
    copies: makeCopies({ element: tabs.panels.copies, world }),
    relatives: makeRelatives({ element: tabs.panels.relatives, world }),
    cleanup: makeCleanup({ element: tabs.panels.cleanup, world }),
  };
  main.hidden = true;
  tabs.paint(chosen.pane);

  // ---- choosing ---------------------------------------------------------------------------------------------------

  // The page was entered; where pictures are small the usual ones are searched at once.
  function enter() {
    if (setup) return panes[chosen.pane]?.shown();
    setup = usualSetup(catalogue, page.state(), chosen);
    const family = catalogue.families.find(({ models }) =>
      models.some(({ name }) => setup?.question.models.includes(name)),
    );
    if (family && family.size <= QUICK) return void startWith(setup);
    invite();
  }

  function invite() {
    const begin = smallButton("Search", "Begin with these", () => setup && startWith(setup));
    begin.classList.add("strong");
    const other = smallButton("Choose …", "Other pictures, models or distortions", choose);
    empty.replaceChildren(
      make(
        "p",
        {},
        "Which picture is a copy of which, and which pictures are alike? Models are compared by what they find.",
      ),
      make("p", { class: "soft" }, `${words(/** @type {SearchSetup} */ (setup))}.`),
      make("div", { class: "turn" }, begin, other),
    );
    about.textContent = "";
    change.hidden = true;
    empty.hidden = false;
    main.hidden = true;
  }

  // "200 pictures of Digits by 4 models"
  /** @type {(asked: SearchSetup) => string} */
  function words({ question: { dataset, samples, tokens, models, limit } }) {
    const data = catalogue.datasets.find(({ name }) => name === dataset);
    const number = tokens?.length ?? (samples ? catalogue.samples.length : Math.min(limit, data?.rows ?? limit));
    const of = tokens ? "of your own" : samples ? "of the samples" : `of ${data?.title ?? dataset}`;
    return `${counted(number, "picture")} ${of}, by ${counted(models.length, "model")}`;
  }

  function choose() {
    const asked = setup ?? usualSetup(catalogue, page.state(), chosen);
    openSetup({ catalogue, server, notice, setup: asked, own, done: startWith });
  }

  /** @type {(asked: SearchSetup) => Promise<void>} */
  async function startWith(asked) {
    busy(`Looking at ${words(asked)} …`);
    const found = await jobs.run("search_open", asked.question, { key: "search-open", progress });
    if (!found) return;
    busy(null);
    if (found.error) {
      notice.show(found.error, { error: true });
      if (!collection) invite();
      return;
    }
    setup = asked;
    collection = asked.files.length ? { ...found, names: asked.files } : found;
    const { dataset, samples, models, limit } = asked.question;
    Object.assign(chosen, {
      within: dataset ?? (samples ? "samples" : null),
      by: models,
      under: asked.under,
      most: limit,
    });
    thumbs.reset(collection);
    empty.hidden = true;
    main.hidden = false;
    change.hidden = false;
    about.textContent = [words(asked), ...found.notes].join(". ");
    for (const pane of Object.values(panes)) pane.changed();
    show(chosen.pane);
  }

  /** @type {(done: number, total: number) => void} */
  function progress(done, total) {
    if (!total) return;
    bar.hidden = false;
    bar.max = total;
    bar.value = done;
    bar.title = `${count(done)} of ${count(total)}`;
  }

  /** @type {(sentence: string | null) => void} */
  function busy(sentence) {
    element.toggleAttribute("aria-busy", sentence !== null);
    if (sentence !== null) {
      about.textContent = sentence;
      element.setAttribute("aria-busy", "true");
      empty.hidden = true;
    }
    bar.removeAttribute("value");
    bar.hidden = sentence === null;
    stop.hidden = sentence === null;
    change.hidden = sentence !== null;
  }

  function cancel() {
    jobs.cancel("search-open");
    busy(null);
    if (collection && setup) about.textContent = words(setup);
    else invite();
  }

  /** @type {(name: string) => void} */
  function show(name) {
    chosen.pane = name;
    tabs.paint(name);
    panes[name]?.shown();
    tell();
  }

  /** @type {(picture: number, made: Amount | null) => Promise<void>} */
  async function open(picture, made) {
    const found = await world.ask("case", { picture, under: made });
    if (found.error) notice.show(found.error, { error: true });
    else openCase(found.state);
  }

  return { enter, link: () => addressOf(chosen) };
}
