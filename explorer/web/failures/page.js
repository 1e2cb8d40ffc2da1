// The page "Failures": a survey and two of its models are chosen, its cases counted by who fails them, filtered, looked
// at, noted. It keeps its state in `chosen` and asks the server; what is drawn where is in the modules beside this one.

/** @import { Annotation, Catalogue, Case, Filters, Jobs, Notice, Order, Page, Pane, PaneParts, Server, Side, State, Survey, SurveyDistortion, SurveyInfo, World } from "../types.d.ts" */

import { labelled, make, smallButton, smallMenu } from "../shared/dom.js";
import { count, counted, shownAmount } from "../shared/format.js";
import { ask as askServer } from "../shared/server.js";
import { makeTabs } from "../shared/tablist.js";
import { makeAccuracy } from "./accuracy.js";
import { addressOf, isAsUsual, readAddress, readFind } from "./address.js";
import { makeConfusion } from "./confusion.js";
import { makeFailureFilters } from "./filters.js";
import { makeGallery } from "./gallery.js";
import { makeFeatureMap } from "./map.js";
import { openNewSurvey, runSurvey } from "./new_survey.js";
import { makeQuadrants } from "./quadrants.js";

const PANES = [
  { name: "gallery", title: "Cases", help: "The pictures themselves" },
  { name: "accuracy", title: "Accuracy", help: "Accuracy against the amount of each distortion, with intervals" },
  { name: "confusion", title: "Confusion", help: "What the clean answer became" },
  { name: "map", title: "Map", help: "The cases as the baseline's features place them" },
];

/** @type {(parts: { element: HTMLElement; query: URLSearchParams; server: Server; jobs: Jobs; notice: Notice; catalogue: Catalogue; page: Page; openCase: (state: Partial<State>) => void; tell: () => void }) => { enter: () => Promise<void>; link: () => string }} */
export function makeFailures({ element, query, server, jobs, notice, catalogue, page, openCase, tell }) {
  const models = new Map(catalogue.families.flatMap((family) => family.models.map((model) => [model.name, model])));
  /** @type {SurveyInfo[] | null} */
  let surveys = null; // all that can be opened
  /** @type {Survey | null} */
  let survey = null; // the open one, as the server describes it
  /** @type {Record<number, Annotation>} */
  let annotations = {}; // by case
  let asking = 0; // the newest question for a survey
  const chosen = readAddress(query);
  let begun = false;

  // The open survey; asked for only by parts that are shown while there is one.
  const opened = () => /** @type {Survey} */ (survey);

  // ---- asking -----------------------------------------------------------------------------------------------------

  /** @type {(what: string, question?: object) => Promise<any>} */
  const ask = (what, question = {}) => askServer(server, "failures", { ask: what, ...question });
  /** @type {(question?: object) => object} */
  const about = (question = {}) => ({ survey: opened().key, pair: opened().pair, ...question });
  /** @type {(which: Side) => string} */
  const side = (which) => opened().pair[which === "other" ? 1 : 0];
  /** @type {(name: string) => string} */
  const nameOf = (name) => {
    const known = models.get(name);
    const twins = opened().models.filter((other) => models.get(other)?.title === known?.title);
    return known && twins.length === 1 ? known.title : name;
  };
  /** @type {World} */
  const world = {
    ask: (what, question) => ask(what, about(question)),
    survey: opened,
    chosen,
    annotations: () => annotations,
    side,
    nameOf,
    methodOf: (name) => opened().methods[name],
    distortion: (name) => /** @type {SurveyDistortion} */ (opened().distortions.find((one) => one.name === name)),
    amountText: (name, amount) => shownAmount(world.distortion(name), amount, 4),
    filter,
    sort,
    show,
    open,
    annotate,
    counted: (answer) => quadrants.paint(answer.counts), // the gallery's first answer tells how many there are of each
    refused,
  };
  /** @type {(key: string | null) => void} */
  const ran = (key) => void refresh(key);
  const parts = { notice, jobs, catalogue, state: page.state, ran };

  // ---- what stands on the page ------------------------------------------------------------------------------------

  const which = smallMenu("Survey", "The survey shown");
  const first = smallMenu("Baseline", "The model that the other is read against");
  const second = smallMenu("Other model", "The model compared with the baseline");
  const swap = smallButton("⇄", "Swap the two models", () => choosePair([...opened().pair].reverse()));
  swap.setAttribute("aria-label", "Swap the two models");
  const more = smallButton("New survey", "Ask models about a whole data set", () => openNewSurvey(parts));
  const far = make("small", { role: "status" });
  const onward = smallButton("Go on", "Finish this survey", () =>
    runSurvey({ ...parts, question: { survey: survey?.key ?? chosen.survey }, title: "Go on with the survey" }),
  );
  const head = make(
    "div",
    { class: "f-head" },
    make("h1", {}, "Failures"),
    labelled("Survey", which),
    labelled("Baseline", first),
    swap,
    labelled("Other", second),
    far,
    onward,
    more,
  );
  const message = make("div", { class: "f-message", role: "status" });
  const quadrants = makeQuadrants({ world });
  const filters = makeFailureFilters({ world });
  const tabs = makeTabs(PANES, {
    label: "Views of the cases",
    tabId: (name) => `f-tab-${name}`,
    panelId: (name) => `f-${name}`,
    panelClass: "f-pane",
    choose: show,
  });
  const body = make(
    "div",
    { class: "f-body" },
    filters.element,
    make("div", { class: "f-main" }, tabs.list, ...Object.values(tabs.panels)),
  );
  /** @type {(name: string) => PaneParts} */
  const pane = (name) => ({ element: tabs.panels[name], notice, jobs, world });
  const gallery = makeGallery(pane("gallery"));
  /** @type {Record<string, Pane>} */
  const views = {
    gallery,
    accuracy: makeAccuracy(pane("accuracy")),
    confusion: makeConfusion(pane("confusion")),
    map: makeFeatureMap(pane("map")),
  };
  element.append(head, message, quadrants.element, body);
  which.addEventListener("change", () => openSurvey(which.value));
  first.addEventListener("change", () => {
    const [baseline, other] = opened().pair;
    choosePair([first.value, first.value === other ? baseline : other]);
  });
  second.addEventListener("change", () => {
    const [baseline, other] = opened().pair;
    choosePair([second.value === baseline ? other : baseline, second.value]);
  });

  // ---- choosing ---------------------------------------------------------------------------------------------------

  // The page was entered: the list of surveys may have grown meanwhile.
  async function enter() {
    if (begun) return views[chosen.pane].shown?.();
    begun = true;
    tabs.paint(chosen.pane);
    await refresh(chosen.survey);
  }

  /** @type {(key: string | null) => Promise<void>} */
  async function refresh(key) {
    busy(true);
    const found = await ask("surveys");
    if (found.error) return fail(found.error, () => refresh(key));
    /** @type {SurveyInfo[]} */
    const all = found.surveys;
    surveys = all;
    const groups = { named: "Named at the start", made: "Made here", shipped: "Shipped" };
    /** @type {(one: SurveyInfo) => HTMLElement} */
    const option = (one) =>
      make(
        "option",
        { value: one.key },
        `${one.title} · ${count(one.images)} × ${one.conditions}${one.done < one.images ? " (unfinished)" : ""}`,
      );
    which.replaceChildren(
      ...Object.entries(groups).flatMap(([origin, label]) => {
        const ofOrigin = all.filter((one) => one.origin === origin);
        return ofOrigin.length ? [make("optgroup", { label }, ...ofOrigin.map(option))] : [];
      }),
    );
    if (found.messages.length) notice.show(found.messages.join(" "), { error: true });
    if (!all.length) return fail("There is no survey here yet. Make one: press New survey.");
    if (key && !all.some((one) => one.key === key))
      notice.show("The survey of this address is not here; the first one is shown.", { error: true });
    await openSurvey((all.find((one) => one.key === key) ?? all[0]).key);
  }

  /** @type {(key: string) => Promise<void>} */
  async function openSurvey(key) {
    const mine = ++asking;
    which.value = key;
    busy(true);
    const same = [key, null].includes(chosen.survey); // null: an address may name filters and no survey
    const pair = same ? chosen.pair : null;
    let found = await ask("open", { survey: key, pair });
    if (found.error && pair) found = await ask("open", { survey: key }); // a pair of an address, perhaps
    if (mine !== asking) return;
    if (!same) Object.assign(chosen, readFind(null));
    Object.assign(chosen, { survey: key, pair: found.pair ?? null });
    if (found.error) return fail(found.error, () => openSurvey(key), unfinished(key));
    survey = found;
    annotations = found.annotations;
    for (const select of [first, second])
      select.replaceChildren(...opened().models.map((name) => make("option", { value: name }, nameOf(name))));
    [first.value, second.value] = opened().pair;
    paintHead();
    busy(false);
    filters.fit();
    changed();
  }

  /** @type {(pair: string[]) => void} */
  function choosePair(pair) {
    chosen.pair = pair;
    openSurvey(opened().key);
  }

  /** @type {(change: Partial<Filters>) => void} */
  function filter(change) {
    Object.assign(chosen.filters, change);
    changed();
  }

  /** @type {(change: Partial<Order>) => void} */
  function sort(change) {
    Object.assign(chosen.order, change);
    changed();
  }

  /** @type {(name: string) => void} */
  function show(name) {
    chosen.pane = name;
    tabs.paint(chosen.pane);
    if (survey) views[name].update();
    views[name].shown?.();
    tell();
  }

  // Other cases are asked for: everything on the page follows.
  function changed() {
    filters.paint();
    quadrants.paint(null);
    gallery.update();
    if (chosen.pane !== "gallery") views[chosen.pane].update();
    tell();
  }

  // An address can ask for what the survey does not have; whether there was anything to take off.
  /** @type {(sentence: string) => boolean} */
  function refused(sentence) {
    if (isAsUsual(chosen)) return false;
    Object.assign(chosen, readFind(null));
    notice.show(`${sentence} All filters were taken off.`, { error: true });
    changed();
    return true;
  }

  /** @type {(item: Case) => Promise<void>} */
  async function open(item) {
    const found = await world.ask("case", { case: item.case });
    if (found.error) notice.show(found.error, { error: true });
    else openCase(found.state);
  }

  /** @type {(id: number, change: Partial<Annotation>) => Promise<void>} */
  async function annotate(id, change) {
    const before = annotations[id];
    const wanted = { ...(before ?? { star: false, tags: [], note: "" }), ...change };
    annotations[id] = wanted; // at once; taken back where it could not be kept
    gallery.annotated(id);
    const found = await ask("annotate", { survey: opened().key, case: id, annotation: wanted });
    if (found.error) {
      notice.show(found.error, { error: true });
      if (before) annotations[id] = before;
      else delete annotations[id];
    } else annotations[id] = found.annotation;
    const kept = annotations[id];
    if (kept && !kept.star && !kept.tags.length && !kept.note) delete annotations[id];
    gallery.annotated(id);
    filters.paint();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  /** @type {(on: boolean) => void} */
  function busy(on) {
    element.toggleAttribute("aria-busy", on);
    if (on) element.setAttribute("aria-busy", "true");
    if (!on) message.replaceChildren();
    else if (!survey) message.replaceChildren(make("p", { class: "soft" }, "Opening the survey …"));
    body.hidden = quadrants.element.hidden = !survey;
  }

  /** @type {(sentence: string, again?: () => void, going?: boolean) => void} */
  function fail(sentence, again, going) {
    survey = null;
    busy(false);
    body.hidden = quadrants.element.hidden = true;
    for (const part of [first, second, swap, onward]) part.disabled = true;
    onward.hidden = !going;
    onward.disabled = !going;
    far.textContent = "";
    message.replaceChildren(
      make("p", { role: "alert" }, sentence),
      ...(again ? [smallButton("Try again", "Ask once more", again)] : []),
    );
    tell();
  }

  /** @type {(key: string) => boolean} */
  function unfinished(key) {
    const one = surveys?.find((other) => other.key === key);
    return one !== undefined && one.done < one.images;
  }

  function paintHead() {
    const { done, images, unread, data, conditions, folder } = opened();
    for (const part of [first, second, swap]) part.disabled = false;
    onward.hidden = done >= images;
    onward.disabled = false;
    const lost = unread ? `, ${count(unread)} of which could not be read` : "";
    const going = `${done < images ? `${count(done)} of ` : ""}${counted(images, "image")}`;
    far.textContent = `${going} of ${data}${lost}, ${counted(conditions, "condition")}`;
    far.title = folder;
    quadrants.fit();
  }

  return { enter, link: () => addressOf(chosen) };
}
