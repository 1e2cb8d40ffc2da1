// The page around the panel: it keeps the state, wires Gradio's controls and the buttons to it, and asks the server.
// Gradio's own listeners reach it as window.stabilityExplorer; `trigger` tells Gradio to fetch the controls' new values.

/** @import { Answer, Catalogue, Failure, Family, Model, Move, Page, PanelQuestion, Picture, Question, RecipeStep, Server, State } from "../types.d.ts" */

import { makeFailures } from "../failures/page.js";
import { makeMethods } from "../methods/page.js";
import { mount } from "../panel/panel.js";
import { makeSearch } from "../search/page.js";
import { makeNotice, openList } from "../shared/dialog.js";
import { byId, find } from "../shared/dom.js";
import { makeJobs } from "../shared/jobs.js";
import { ask as askServer, SILENT } from "../shared/server.js";
import { makeActs } from "./acts.js";
import { makeAround } from "./around.js";
import { makeControls } from "./controls.js";
import { describeChange, makeHistory } from "./history.js";
import { allThere, wireTheme } from "./host.js";
import { CENTRE, linkOf, pictureOf } from "./link.js";
import { lastChosen, makeModels, renewModels } from "./models.js";
import { makeNavigation } from "./navigation.js";
import { makeNetworks } from "./networks.js";
import { makePictures } from "./pictures.js";
import { makeShare } from "./share.js";
import { makeStabilize } from "./stabilize.js";
import { makeSteps } from "./steps.js";
import { sweptStep } from "./swept.js";
import { makeTabbedViews, VIEWS } from "./tabs.js";
import { makeToolbar } from "./toolbar.js";
import { makeTour } from "./tour.js";
import { makeUnsure } from "./unsure.js";
import { makeWatched } from "./watched.js";

/** @type {(parts: { element: HTMLElement; server: Server; trigger: (event: string) => void; catalogue: Catalogue }) => Promise<void>} */
export async function start({ element, server, trigger, catalogue }) {
  /** @type {Record<string, Family>} */
  const families = Object.fromEntries(catalogue.families.map((family) => [family.key, family]));
  /** @type {State} */
  const state = {
    family: catalogue.first.family,
    models: [...catalogue.first.models],
    picture: catalogue.first.picture,
    steps: catalogue.first.steps.map(([name, amount]) => ({ name, amount, on: true })),
    seed: 0,
    against: null,
    quantised: true,
    on: "input",
    window: CENTRE,
    watched: [], // indices of classes that every card shows besides the likeliest
    doubt: null, // { score, limit }: answers with more of it are unsure
    reference: null, // a pinned state { picture, recipe } that all is compared with, in place of the clean picture
    ...lastChosen(catalogue),
  };
  /** @type {() => Family} */
  const family = () => families[state.family];
  /** @type {(name: string) => Model | undefined} */
  const card = (name) => family().models.find((model) => model.name === name);
  /** @type {Record<string, string>} */
  const own = {}; // token of a brought picture -> its clean pixels as a data URL
  /** @type {(name: string) => string} */
  const title = (name) => [card(name)?.title, card(name)?.subtitle].filter(Boolean).join(" · ");
  const query = new URLSearchParams(location.search); // as it was opened
  let ready = false;
  let compared = { key: "", clean: "" }; // the picture that was compared with last
  let dragging = false;
  /** @type {string | null} */
  let answered = null; // the question, as JSON, whose answer is on screen

  const link = await openLink();
  const { acts, run } = makeActs();
  /** @type {() => PanelQuestion} */
  const shownQuestion = () => ({ ...question(), watched: [...state.watched], doubt: state.doubt }); // what the panel asks
  const watched = makeWatched({ state, family, changed });
  const unsure = makeUnsure({ state, catalogue, beside: watched.element, changed, moved });
  /** @type {Move} */
  const move = (window, options) => void (ready && controls.setWindow(window, options));
  const panel = mount(element, { ask, state: shownQuestion(), acts, below: watched.element, move }); // it asks and paints while Gradio still builds the controls
  const sliders = Array.from({ length: catalogue.limits.steps }, (_, i) => `#step-${i}`);
  const boxes = "#theme #tools #pages #failures #search #methods #more #pictures #models #networks #reroll".split(" ");
  const others = [...boxes, "#add-model input", "#add-step input", "#recipe textarea"];
  element.addEventListener("answer", (event) => heardAnswer(/** @type {CustomEvent} */ (event).detail));
  await allThere([...others, ...sliders.map((id) => `${id} input[type=range]`)]);
  wireTheme(byId("theme"));
  const notice = makeNotice();
  const jobs = makeJobs({ server });
  /** @type {Page} */
  const page = {
    question,
    state: () => state,
    answer: () => (answered === JSON.stringify(question()) ? panel.answer() : null),
    distortion: (name) => catalogue.distortions[name],
    range: (step) => steps.range(step),
    title,
    method: (name) => card(name)?.method,
    setAmount,
    setSteps,
    setAgainst: (name) => controls.setAgainst(name),
    scrub: (picture, done) => {
      state.picture = picture;
      pictures.mark(picture);
      moved(done);
    },
    openClip: (file) => views.bring(file),
    choosePicture: (picture, { thumb, name = "" } = {}) =>
      thumb ? pictures.select(picture, thumb, name) : models.choosePicture(picture),
    suits: (picture) => models.suits(family(), picture),
    activeStep: () => steps.active(),
    sweptIndex: () => sweptStep(state.steps, steps.active())?.active ?? null,
    markFlips: (index, flips) => steps.markFlips(index, flips),
    markRadii: (index, marks) => steps.markRadii(index, marks),
    link: address,
    ownTravels: () => address().includes("#pixels="),
  };
  const parts = { page, jobs, server, notice, catalogue };
  const pictures = makePictures({
    element: byId("pictures"),
    ...parts,
    choose: (picture) => models.choosePicture(picture),
  });
  /** @type {HTMLElement[]} */
  const blocks = sliders.map((id) => find(document, id));
  const wired = { ...parts, state, families, family, card, title, moved, changed, undo, trigger };
  const steps = makeSteps({ ...wired, blocks, side: () => card(state.models[0])?.size ?? family().size });
  const models = makeModels({ ...wired, list: byId("models"), mark: pictures.mark, fit: steps.fit });
  const networks = makeNetworks({ ...parts, element: byId("networks"), added: models.addNetwork });
  run.around = makeAround({ ...parts, added: models.addBeside }).open;
  run.stabilize = makeStabilize({ ...wired, added: models.addBeside }).open;
  const controls = makeControls({ ...wired, steps });
  const views = makeTabbedViews({ element: byId("more"), opened: tellViews, parts });
  const past = makeHistory({ take: () => ({ ...state }), put: restore, describe, changed: () => toolbar.paint() });
  const share = makeShare(parts);
  const tour = makeTour({ explore: () => navigation.go("explore") });
  const navigation = makeNavigation({ element: byId("pages"), address, entered });
  const failures = makeFailures({ ...parts, element: byId("failures"), query, openCase, tell });
  const search = makeSearch({ ...parts, element: byId("search"), query, openCase, tell });
  const methods = makeMethods({ ...parts, element: byId("methods"), query, tell });
  const toolbar = makeToolbar({ element: byId("tools"), past, pin, unpin, pinned: () => state.reference, share, tour });
  const recipeText = () => [controls.recipe()];
  Object.assign(window, { stabilityExplorer: { ...models, ...controls, controls: controls.properties, recipeText } });
  ready = true;
  models.paint();
  toolbar.paint();
  if (link.brought) pictures.keep(link.brought);
  pictures.mark(state.picture);
  controls.showRecipe(panel.answer()?.recipe);
  trigger("sync");
  views.show((VIEWS.find(({ name }) => name === link.tab) ?? VIEWS[0]).name);
  if (link.messages.length) openList("The address could be followed in part only", link.messages);
  if (link.network) networks.open(link.network);
  tellViews();
  tour.firstVisit();
  if (navigation.page() !== "explore") entered(navigation.page());

  // ---- asking ---------------------------------------------------------------------------------------------------

  /** @type {() => Question} */
  function question() {
    /** @type {RecipeStep[]} */
    const active = state.steps.filter((step) => step.on).map(({ name, amount }) => [name, amount]);
    const attacked = active.some(([name]) => catalogue.distortions[name].adversarial);
    const against = attacked ? (state.against ?? state.models[0]) : null;
    const { picture, models, seed, quantised, on, window } = state;
    const recipe = { steps: active, seed, against, quantised, on, window };
    const current = { picture, models: [...models], recipe };
    return state.reference ? { ...current, reference: state.reference } : current;
  }

  /** @type {(wanted: PanelQuestion) => Promise<Answer | Failure | null>} */
  async function ask(wanted) {
    const answer = await askOnce(wanted);
    if (!answer?.gone) return answer;
    // The server forgot a brought picture (it was restarted, or hours have passed): hand it over again.
    const again = { ...wanted, picture: await broughtAgain(wanted.picture) };
    if (wanted.reference)
      again.reference = { ...wanted.reference, picture: await broughtAgain(wanted.reference.picture) };
    if (JSON.stringify(again) === JSON.stringify(wanted)) return answer;
    return askOnce(again);
  }

  // The picture that all is compared with travels once, not with every move of a slider.
  /** @type {(wanted: PanelQuestion) => Promise<any>} */
  async function askOnce(wanted) {
    const answer = await askServer(server, "ask", { ...wanted, has: compared.key });
    if (!answer?.images) return answer;
    const { key, clean } = answer.images;
    if (clean) compared = { key, clean };
    answer.images.clean = compared.clean;
    return answer;
  }

  /** @type {(picture: Picture) => Promise<Picture>} */
  async function broughtAgain(picture) {
    const token = picture.token && (await pictures.bringAgain(picture.token));
    if (!token) return picture;
    own[token] = own[picture.token ?? ""];
    if (state.picture.token === picture.token) state.picture = { token };
    const pinned = state.reference;
    if (pinned && pinned.picture.token === picture.token) state.reference = { ...pinned, picture: { token } };
    return { token };
  }

  /** @type {(news: { answer?: Answer; state?: PanelQuestion }) => void} */
  function heardAnswer({ answer, state: asked }) {
    if (!answer || !asked) return;
    const { watched: _, doubt: __, ...current } = asked;
    answered = JSON.stringify(current);
    if (current.picture.token && !current.reference && !dragging) own[current.picture.token] = answer.images.clean;
    if (!ready) return;
    controls.showRecipe(answer.recipe);
    tellViews();
  }

  // Cheap parts of the views follow at once; the rest waits until dragging has ended.
  function tellViews() {
    const answer = panel.answer();
    if (!ready || !answer) return;
    const live = dragging || answered !== JSON.stringify(question());
    views.update({ answer, question: question(), live });
    if (!live) tell();
  }

  function tell() {
    window.history.replaceState(null, "", address());
  }

  /** @type {(name: string) => void} */
  function entered(name) {
    if (name !== "explore") tour.leave();
    if (name === "failures") failures.enter();
    if (name === "search") search.enter();
    if (name === "methods") methods.enter();
    else methods.leave();
  }

  // A case of a survey: its picture, models and recipe replace those on the page.
  /** @type {(found: Partial<State>) => void} */
  function openCase(found) {
    Object.assign(state, { window: CENTRE }, found);
    pictures.mark(state.picture);
    changed();
    navigation.go("explore");
  }

  // A slider moves: ask at once, leave the controls alone. `done` when it has come to rest.
  /** @type {(done: boolean) => void} */
  function moved(done) {
    dragging = !done;
    if (done) past.record();
    panel.update(shownQuestion(), { live: !done });
    if (done) tellViews();
  }

  // Anything else: ask, and let the controls follow.
  function changed() {
    notice.clear();
    dragging = false;
    if (!state.models.includes(state.against ?? "")) state.against = null;
    if (state.reference && !state.models.includes(state.reference.recipe.against ?? state.models[0]))
      state.reference = null;
    past.record();
    show();
  }

  function show() {
    steps.paint();
    models.paint();
    watched.paint();
    unsure.paint();
    panel.update(shownQuestion());
    tellViews();
    trigger("sync");
  }

  // ---- what was done before, pinned states, addresses -----------------------------------------------------------

  /** @type {(before: State) => void} */
  function restore(before) {
    Object.assign(state, before);
    notice.clear();
    pictures.mark(state.picture);
    show();
  }

  function undo() {
    past.undo();
  }

  /** @type {(before: State, after: State) => string} */
  function describe(before, after) {
    const both = [before, after].flatMap((one) => families[one.family].models);
    /** @type {(model: string) => string} */
    const name = (model) => both.find((one) => one.name === model)?.title ?? model;
    return describeChange(before, after, { distortion: page.distortion, title: name, shown: steps.shown });
  }

  function pin() {
    const { picture, recipe: current } = question();
    state.reference = { picture, recipe: current };
    changed();
  }

  function unpin() {
    state.reference = null;
    changed();
  }

  function address() {
    const theme = new URLSearchParams(location.search).get("__theme");
    const explore = linkOf(state, { chain: controls.recipe(), tab: views.open(), own: own[state.picture.token ?? ""] });
    const there = { failures, search, methods }[navigation.page()];
    const whole = there ? explore.replace(/(#|$)/, `&${there.link()}$1`) : explore;
    return theme ? whole.replace("?", `?__theme=${encodeURIComponent(theme)}&`) : whole;
  }

  // What the page's address asks for goes into the state before anything is drawn.
  /** @type {() => Promise<{ tab?: string; network?: string; messages: string[]; brought?: { token: string; thumb: string; file: File } }>} */
  async function openLink() {
    const query = location.search.slice(1);
    const file = pictureOf(location.hash);
    if (!file && ![...new URLSearchParams(query).keys()].some((key) => key !== "__theme")) return { messages: [] };
    const read = await askServer(server, "read_link", query);
    if (!read.state) return { messages: [read.error ?? SILENT] };
    if (read.known) renewModels(catalogue, families, read.known);
    const { tab, network, ...found } = read.state;
    Object.assign(state, found);
    const brought = file ? await server.open_picture({ binary: true, data: { file } }) : {};
    if (brought.token) state.picture = { token: brought.token };
    if (brought.error) read.messages.push(brought.error);
    if (state.reference && !state.reference.picture) {
      if (brought.token) state.reference.picture = state.picture;
      else state.reference = null;
    }
    return { tab, network, messages: read.messages, brought: brought.token && { ...brought, file } };
  }

  /** @type {Page["setAmount"]} */
  function setAmount(index, amount, { live = false } = {}) {
    if (!state.steps[index]) return;
    steps.setAmount(index, amount);
    moved(!live);
    if (!live) trigger("sync");
  }

  /** @type {Page["setSteps"]} */
  function setSteps(chain, { against } = {}) {
    if (against && state.models.includes(against)) state.against = against;
    state.steps = chain.map((step) => ({ ...step })).slice(0, catalogue.limits.steps);
    changed();
  }
}
