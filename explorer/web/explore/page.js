// The page around the panel: it keeps the state, wires Gradio's controls and the buttons to it, and asks the server.
// Gradio's own listeners reach it as window.stabilityExplorer; `trigger` tells Gradio to fetch the controls' new values.

import { makeFailures } from "../failures/page.js";
import { makeMethods } from "../methods/page.js";
import { mount } from "../panel/panel.js";
import { makeNotice, openDialog } from "../shared/dialog.js";
import { byId, make } from "../shared/dom.js";
import { makeJobs } from "../shared/jobs.js";
import { ask as askServer, SILENT } from "../shared/server.js";
import { makeControls } from "./controls.js";
import { describeChange, makeHistory } from "./history.js";
import { allThere, wireTheme } from "./host.js";
import { linkOf, pictureOf } from "./link.js";
import { makeModels } from "./models.js";
import { makeNavigation } from "./navigation.js";
import { makePictures } from "./pictures.js";
import { makeShare } from "./share.js";
import { makeSteps } from "./steps.js";
import { makeTabbedViews, VIEWS } from "./tabs.js";
import { makeToolbar } from "./toolbar.js";
import { makeTour } from "./tour.js";

export async function start({ element, server, trigger, catalogue }) {
  const families = Object.fromEntries(catalogue.families.map((family) => [family.key, family]));
  const state = {
    family: catalogue.first.family,
    models: [...catalogue.first.models],
    picture: catalogue.first.picture ?? { sample: catalogue.samples[0]?.sample },
    steps: catalogue.first.steps.map(([name, amount]) => ({ name, amount, on: true })),
    seed: 0,
    against: null,
    quantised: true,
    reference: null, // a pinned state { picture, recipe } that all is compared with, in place of the clean picture
  };
  const family = () => families[state.family];
  const card = (name) => family().models.find((model) => model.name === name);
  const own = {}; // token of a brought picture -> its clean pixels as a data URL
  const title = (name) => [card(name).title, card(name).subtitle].filter(Boolean).join(" · ");
  const query = new URLSearchParams(location.search); // as it was opened
  let ready = false;
  let dragging = false;
  let answered = null; // the question, as JSON, whose answer is on screen

  const link = await openLink();
  const panel = mount(element, { ask, state: question() }); // it asks and paints while Gradio still builds the controls
  const sliders = Array.from({ length: catalogue.limits.steps }, (_, i) => `#step-${i}`);
  const others = [
    "#theme",
    "#tools",
    "#pages",
    "#failures",
    "#methods",
    "#more",
    "#pictures",
    "#models",
    "#add-model input",
    "#add-step input",
    "#reroll",
    "#recipe textarea",
  ];
  element.addEventListener("answer", ({ detail }) => heardAnswer(detail));
  await allThere([...others, ...sliders.map((id) => `${id} input[type=range]`)]);
  wireTheme(byId("theme"));
  const notice = makeNotice();
  const jobs = makeJobs({ server });
  const page = {
    question,
    state: () => state,
    answer: () => (answered === JSON.stringify(question()) ? panel.answer() : null),
    kind: (name) => catalogue.distortions[name],
    range: (step) => steps.range(step),
    title,
    method: (name) => card(name)?.method,
    setAmount,
    setSteps,
    setAgainst: (name) => controls.setAgainst(name),
    choosePicture: (picture, { thumb, name } = {}) =>
      thumb ? pictures.select(picture, thumb, name) : models.choosePicture(picture),
    suits: (picture) => models.suits(family(), picture),
    activeStep: () => steps.active(),
    sweptIndex,
    markFlips: (index, flips) => steps.markFlips(index, flips),
    link: address,
    ownTravels: () => address().includes("#pixels="),
  };
  const parts = { page, jobs, server, notice, catalogue };
  const pictures = makePictures({
    element: byId("pictures"),
    ...parts,
    choose: (picture) => models.choosePicture(picture),
  });
  const blocks = sliders.map((id) => document.querySelector(id));
  const wired = { ...parts, state, families, family, card, title, moved, changed, undo, trigger };
  const steps = makeSteps({ ...wired, blocks, side: () => family().size });
  const models = makeModels({ ...wired, list: byId("models"), mark: pictures.mark, fit: steps.fit });
  const controls = makeControls({ ...wired, steps });
  const views = makeTabbedViews({ element: byId("more"), opened: tellViews, parts });
  const past = makeHistory({ take: () => ({ ...state }), put: restore, describe, changed: () => toolbar.paint() });
  const share = makeShare(parts);
  const tour = makeTour();
  const navigation = makeNavigation({ element: byId("pages"), address, entered });
  const failures = makeFailures({ ...parts, element: byId("failures"), query, openCase, tell });
  const methods = makeMethods({ ...parts, element: byId("methods"), query, tell });
  const toolbar = makeToolbar({ element: byId("tools"), past, pin, unpin, pinned: () => state.reference, share, tour });
  window.stabilityExplorer = {
    ...models,
    ...controls,
    controls: controls.properties,
    recipeText: () => [controls.recipe()],
  };
  ready = true;
  models.paint();
  toolbar.paint();
  if (link.brought) pictures.keep(link.brought);
  pictures.mark(state.picture);
  controls.showRecipe(panel.answer()?.recipe);
  trigger("sync");
  views.show(VIEWS.some(({ name }) => name === link.tab) ? link.tab : VIEWS[0].name);
  if (link.messages.length) tellWhatWasLeft(link.messages);
  tellViews();
  tour.firstVisit();
  if (navigation.page() !== "explore") entered(navigation.page());

  // ---- asking ---------------------------------------------------------------------------------------------------

  function question() {
    const active = state.steps.filter((step) => step.on).map(({ name, amount }) => [name, amount]);
    const attacked = active.some(([name]) => catalogue.distortions[name].adversarial);
    const against = attacked ? (state.against ?? state.models[0]) : null;
    const asked = {
      picture: state.picture,
      models: [...state.models],
      recipe: { steps: active, seed: state.seed, against, quantised: state.quantised },
    };
    return state.reference ? { ...asked, reference: state.reference } : asked;
  }

  async function ask(wanted) {
    const answer = await server.ask(wanted);
    if (!answer?.gone) return answer;
    // The server forgot a brought picture (it was restarted, or hours have passed): hand it over again.
    const again = { ...wanted, picture: await broughtAgain(wanted.picture) };
    if (wanted.reference)
      again.reference = { ...wanted.reference, picture: await broughtAgain(wanted.reference.picture) };
    if (JSON.stringify(again) === JSON.stringify(wanted)) return answer;
    return server.ask(again);
  }

  async function broughtAgain(picture) {
    const token = picture.token && (await pictures.bringAgain(picture.token));
    if (!token) return picture;
    own[token] = own[picture.token];
    if (state.picture.token === picture.token) state.picture = { token };
    if (state.reference?.picture.token === picture.token) state.reference = { ...state.reference, picture: { token } };
    return { token };
  }

  function heardAnswer({ answer, state: asked }) {
    if (!answer) return;
    answered = JSON.stringify(asked);
    if (asked.picture.token && !asked.reference) own[asked.picture.token] = answer.images.clean;
    if (!ready) return;
    controls.showRecipe(answer.recipe);
    tellViews();
  }

  // The views follow at once in what costs nothing; with the rest they wait until nobody drags any more.
  function tellViews() {
    if (!ready || !panel.answer()) return;
    const live = dragging || answered !== JSON.stringify(question());
    views.update({ answer: panel.answer(), question: question(), live });
    if (!live) tell();
  }

  function tell() {
    window.history.replaceState(null, "", address());
  }

  function entered(name) {
    if (name === "failures") failures.enter();
    if (name === "methods") methods.enter();
    else methods.leave();
  }

  // A case of a survey: its picture, models and recipe replace those on the page.
  function openCase(found) {
    Object.assign(state, found);
    pictures.mark(state.picture);
    changed();
    navigation.go("explore");
  }

  // A slider moves: ask at once, leave the controls alone. `done` when it has come to rest.
  function moved(done) {
    dragging = !done;
    if (done) past.record();
    panel.update(question(), { live: !done });
    if (done) tellViews();
  }

  // Anything else: ask, and let the controls follow.
  function changed() {
    notice.clear();
    dragging = false;
    if (!state.models.includes(state.against)) state.against = null;
    if (state.reference && !state.models.includes(state.reference.recipe.against ?? state.models[0]))
      state.reference = null;
    past.record();
    show();
  }

  function show() {
    steps.paint();
    models.paint();
    panel.update(question());
    tellViews();
    trigger("sync");
  }

  // ---- what was done before, pinned states, addresses -----------------------------------------------------------

  function restore(before) {
    Object.assign(state, before);
    notice.clear();
    pictures.mark(state.picture);
    show();
  }

  function undo() {
    past.undo();
  }

  function describe(before, after) {
    const name = (model) =>
      families[before.family].models.concat(families[after.family].models).find((one) => one.name === model).title;
    return describeChange(before, after, { kind: page.kind, title: name, shown: steps.shown });
  }

  function pin() {
    const { picture, recipe: asked } = question();
    state.reference = { picture, recipe: asked };
    changed();
  }

  function unpin() {
    state.reference = null;
    changed();
  }

  function address() {
    const theme = new URLSearchParams(location.search).get("__theme");
    const explore = linkOf(state, { chain: controls.recipe(), tab: views.open(), own: own[state.picture.token] });
    const there = { failures, methods }[navigation.page()];
    const whole = there ? explore.replace(/(#|$)/, `&${there.link()}$1`) : explore;
    return theme ? whole.replace("?", `?__theme=${encodeURIComponent(theme)}&`) : whole;
  }

  // What the page's address asks for goes into the state before anything is drawn.
  async function openLink() {
    const query = location.search.slice(1);
    const file = pictureOf(location.hash);
    if (!file && ![...new URLSearchParams(query).keys()].some((key) => key !== "__theme")) return { messages: [] };
    const read = await askServer(server, "read_link", query);
    if (!read.state) return { messages: [read.error ?? SILENT] };
    const { tab, ...found } = read.state;
    Object.assign(state, found);
    const brought = file ? await server.open_picture({ binary: true, data: { file } }) : {};
    if (brought.token) state.picture = { token: brought.token };
    if (brought.error) read.said.push(brought.error);
    if (state.reference && !state.reference.picture) {
      if (brought.token) state.reference.picture = state.picture;
      else state.reference = null;
    }
    return { tab, messages: read.said, brought: brought.token && { ...brought, file } };
  }

  function tellWhatWasLeft(sentences) {
    const list = make("ul", { class: "said" }, ...sentences.map((sentence) => make("li", {}, sentence)));
    openDialog("The address could be followed in part only", list);
  }

  // Which step of the recipe the curves are about: the one touched last, else the last.
  function sweptIndex() {
    const index = state.steps[steps.active()]?.on ? steps.active() : state.steps.findLastIndex((step) => step.on);
    return index < 0 ? null : state.steps.slice(0, index).filter((step) => step.on).length;
  }

  function setAmount(index, amount, { live = false } = {}) {
    if (!state.steps[index]) return;
    steps.setAmount(index, amount);
    moved(!live);
    if (!live) trigger("sync");
  }

  function setSteps(chain, { against } = {}) {
    if (against && state.models.includes(against)) state.against = against;
    state.steps = chain.map((step) => ({ on: true, ...step })).slice(0, catalogue.limits.steps);
    changed();
  }
}
