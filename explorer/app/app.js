// The page around the panel: it keeps the state, wires Gradio's controls and the buttons to it, and asks the server.
// Gradio's own listeners reach it as window.stabilityExplorer; `trigger` tells Gradio to fetch the controls' new values.

export async function start({ element, server, trigger, catalogue, mount, views: tabs, ...modules }) {
  const { make, openDialog, allThere, wireTheme, makeNotice, makeJobs, makePictures, makeSteps } = modules;
  const kinds = tabs.map((tab) => ({ ...tab, make: modules[`make${tab.name[0].toUpperCase()}${tab.name.slice(1)}View`] })).filter((kind) => kind.make);
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
  const byId = (id) => document.getElementById(id);
  const own = {}; // token of a brought picture -> its clean pixels as a data URL
  let recipe = "";
  let typed = false; // the recipe field holds text that was not read yet
  let dragging = false;
  let answered = null; // the question, as JSON, whose answer is on screen

  const link = await openLink();
  const panel = mount(element, { ask, state: question() }); // it asks and paints while Gradio still builds the controls
  const sliders = Array.from({ length: catalogue.limits.steps }, (_, i) => `#step-${i}`);
  const others = ["#theme", "#tools", "#more", "#pictures", "#models", "#add-model input", "#add-step input", "#recipe textarea"];
  element.addEventListener("answer", ({ detail }) => heardAnswer(detail));
  await allThere([...others, ...sliders.map((id) => `${id} input[type=range]`)]);
  wireTheme(byId("theme"));
  byId("recipe").addEventListener("input", () => (typed = true));
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
    setAgainst,
    choosePicture: (picture, { thumb, name } = {}) => (thumb ? pictures.select(picture, thumb, name) : choosePicture(picture)),
    suits: (picture) => suits(family(), picture),
    activePlace: () => steps.active(),
    sweptPlace,
    markFlips: (place, flips) => steps.markFlips(place, flips),
    link: address,
    ownTravels: () => address().includes("#pixels="),
  };
  const parts = { ...modules, page, jobs, server, notice, catalogue };
  const pictures = makePictures({ element: byId("pictures"), ...parts, choose: choosePicture });
  const blocks = sliders.map((id) => document.querySelector(id));
  const steps = makeSteps({ blocks, state, catalogue, side: () => family().size, notice, moved, changed, undo, make });
  const views = modules.makeViews({ element: byId("more"), kinds, opened: viewOpened, parts });
  const past = modules.makeHistory({ take: () => ({ ...state }), put: restore, describe, changed: paintTools });
  const share = modules.makeShare(parts);
  const tour = modules.makeTour(parts);
  const tools = modules.makeTools({ element: byId("tools"), make, past, pin, unpin, pinned: () => state.reference, share, tour });
  const heard = { chooseFamily, addModel, addStep, setSeed, reroll, setAgainst, setPixels, setRecipe };
  window.stabilityExplorer = { ...heard, controls, recipeText: () => [recipe] };
  labelControls();
  paintModels();
  paintTools();
  if (link.brought) pictures.keep(link.brought);
  pictures.mark(state.picture);
  showRecipe(panel.answer()?.recipe);
  trigger("sync");
  views.show(kinds.some(({ name }) => name === link.tab) ? link.tab : kinds[0].name);
  if (link.said.length) tellWhatWasLeft(link.said);
  tellViews();
  tour.firstVisit();

  // ---- asking ---------------------------------------------------------------------------------------------------

  function question() {
    const active = state.steps.filter((step) => step.on).map(({ name, amount }) => [name, amount]);
    const attacked = active.some(([name]) => catalogue.distortions[name].adversarial);
    const against = attacked ? state.against ?? state.models[0] : null;
    const asked = { picture: state.picture, models: [...state.models], recipe: { steps: active, seed: state.seed, against, quantised: state.quantised } };
    return state.reference ? { ...asked, reference: state.reference } : asked;
  }

  async function ask(wanted) {
    const answer = await server.ask(wanted);
    if (!answer?.gone) return answer;
    // The server forgot a brought picture (it was restarted, or hours have passed): hand it over again.
    const again = { ...wanted, picture: await broughtAgain(wanted.picture) };
    if (wanted.reference) again.reference = { ...wanted.reference, picture: await broughtAgain(wanted.reference.picture) };
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
    showRecipe(answer.recipe);
    tellViews();
  }

  // The views follow at once in what costs nothing; with the rest they wait until nobody drags any more.
  function tellViews() {
    if (!window.stabilityExplorer || !panel.answer()) return;
    const live = dragging || answered !== JSON.stringify(question());
    views.update({ answer: panel.answer(), question: question(), live });
    if (!live) window.history.replaceState(null, "", address());
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
    if (state.reference && !state.models.includes(state.reference.recipe.against ?? state.models[0])) state.reference = null;
    past.record();
    show();
  }

  function show() {
    steps.paint();
    paintModels();
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
    const name = (model) => families[before.family].models.concat(families[after.family].models).find((one) => one.name === model).title;
    return modules.describeChange(before, after, { kind: page.kind, title: name, shown: steps.shown });
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

  function paintTools() {
    tools.paint();
  }

  function viewOpened() {
    tellViews();
  }

  function address() {
    const theme = new URLSearchParams(location.search).get("__theme");
    const said = modules.linkOf(state, { chain: recipe, tab: views.open(), own: own[state.picture.token] });
    return theme ? said.replace("?", `?__theme=${encodeURIComponent(theme)}&`) : said;
  }

  // What the page's address asks for goes into the state before anything is drawn.
  async function openLink() {
    const query = location.search.slice(1);
    const file = await modules.pictureOf(location.hash);
    if (!file && ![...new URLSearchParams(query).keys()].some((key) => key !== "__theme")) return { said: [] };
    const read = await Promise.resolve(server.read_link(query)).catch(() => null);
    if (!read?.state) return { said: [read?.error ?? "The explorer does not answer. Is it still running?"] };
    const { tab, ...found } = read.state;
    Object.assign(state, found);
    const brought = file ? await server.open_picture({ binary: true, data: { file } }) : {};
    if (brought.token) state.picture = { token: brought.token };
    if (brought.error) read.said.push(brought.error);
    if (state.reference && !state.reference.picture) {
      if (brought.token) state.reference.picture = state.picture;
      else state.reference = null;
    }
    return { tab, said: read.said, brought: brought.token && { ...brought, file } };
  }

  function tellWhatWasLeft(sentences) {
    const list = make("ul", { class: "said" }, ...sentences.map((sentence) => make("li", {}, sentence)));
    openDialog("The address could be followed in part only", list);
  }

  // The place, in the recipe, of the step that the curves are about: the one touched last, else the last.
  function sweptPlace() {
    const place = state.steps[steps.active()]?.on ? steps.active() : state.steps.findLastIndex((step) => step.on);
    return place < 0 ? null : state.steps.slice(0, place).filter((step) => step.on).length;
  }

  function setAmount(place, amount, { live = false } = {}) {
    if (!state.steps[place]) return;
    steps.setAmount(place, amount);
    moved(!live);
    if (!live) trigger("sync");
  }

  function setSteps(chain, { against } = {}) {
    if (against && state.models.includes(against)) state.against = against;
    state.steps = chain.map((step) => ({ on: true, ...step })).slice(0, catalogue.limits.steps);
    changed();
  }

  // ---- models and pictures ----------------------------------------------------------------------------------------

  function chooseFamily(key) {
    if (!families[key] || key === state.family) return;
    enterFamily(key);
    const { data, channels } = family();
    const own = catalogue.datasets.find(({ name, here }) => here && data.includes(name))?.name;
    if (!suits(family(), state.picture)) {
      // Digit models get a digit, the others a photograph; what people brought stays.
      if (own && channels === 1) state.picture = { dataset: own, index: 0 };
      else if (state.picture.dataset) state.picture = { sample: catalogue.samples[0]?.sample };
      pictures.mark(state.picture);
    }
    changed();
  }

  function enterFamily(key) {
    state.family = key;
    state.models = [...family().defaults];
    state.against = null;
    steps.fit();
  }

  function choosePicture(picture) {
    state.picture = picture;
    const wanted = suits(family(), picture) ? null : catalogue.families.find((candidate) => suits(candidate, picture));
    if (wanted) enterFamily(wanted.key);
    changed();
  }

  // Whether these models are the ones to ask about a picture: those trained on its data set, where there are any.
  function suits(candidate, { dataset, sample }) {
    if (sample) return candidate.channels === 3;
    if (!dataset) return true;
    if (catalogue.families.some(({ data }) => data.includes(dataset))) return candidate.data.includes(dataset);
    const grey = catalogue.datasets.find(({ name }) => name === dataset)?.channels === 1;
    return !grey || candidate.channels === 1;
  }

  function addModel(name) {
    if (card(name) && !state.models.includes(name)) {
      state.models.push(name);
      const order = family().models.map((model) => model.name);
      state.models = [state.models[0], ...state.models.slice(1).sort((a, b) => order.indexOf(a) - order.indexOf(b))];
      changed();
    }
    return null; // the menu shows its prompt again
  }

  function removeModel(name) {
    state.models = state.models.filter((other) => other !== name);
    changed();
    notice.show(`${title(name)} removed.`, { undo });
  }

  function makeBaseline(name) {
    state.models = [name, ...state.models.filter((other) => other !== name)];
    changed();
  }

  function title(name) {
    const { title: text, subtitle } = card(name);
    return subtitle ? `${text} · ${subtitle}` : text;
  }

  function paintModels() {
    const list = byId("models");
    list.replaceChildren(
      ...state.models.map((name, i) => {
        const { title: text, subtitle, method, help } = card(name);
        const chip = make("li", { "data-method": method, title: `${name}: ${help}` });
        chip.append(make("span", { class: "dot" }), make("span", { class: "name" }, text));
        if (subtitle) chip.append(make("small", {}, subtitle));
        if (i === 0) chip.append(make("small", { class: "end" }, "baseline"));
        else {
          const pin = make("button", { class: "plain end quiet", "aria-label": `Make ${text} the baseline`, title: "Make it the baseline" }, "pin");
          pin.addEventListener("click", () => makeBaseline(name));
          const remove = make("button", { class: "plain icon", "aria-label": `Remove ${text}`, title: "Remove" }, "×");
          remove.addEventListener("click", () => removeModel(name));
          chip.append(pin, remove);
        }
        return chip;
      }),
    );
  }

  // ---- Gradio's controls ------------------------------------------------------------------------------------------

  // New properties of all controls, in the order of the `sync` listener's outputs.
  function controls() {
    const update = (properties) => ({ __type__: "update", ...properties });
    const left = family().models.filter((model) => !state.models.includes(model.name));
    const attack = state.steps.some((step) => catalogue.distortions[step.name].adversarial);
    const choices = left.map((model) => [title(model.name), model.name]);
    return [
      ...steps.properties().map(update),
      update({ value: state.family }),
      update({ choices, value: null, interactive: choices.length > 0 }),
      update({ value: null, interactive: state.steps.length < catalogue.limits.steps }),
      update({ value: state.seed }),
      update({ choices: state.models.map((name) => [title(name), name]), value: state.against ?? state.models[0], visible: attack }),
      update({ value: state.quantised ? "8-bit" : "float" }),
    ];
  }

  // Gradio's menus have no prompt of their own, and their help takes a line each: both go where they cost no room.
  function labelControls() {
    for (const [id, prompt] of [["add-model", "Add a model"], ["add-step", "Add a distortion"]]) {
      const input = byId(id).querySelector("input");
      input.placeholder = prompt;
      input.addEventListener("keydown", takeFirstMatch, { capture: true });
    }
    byId("recipe").querySelector("textarea").setAttribute("aria-label", "Recipe");
    for (const help of document.querySelectorAll("#rail .block:not(.step) .info-text")) {
      help.closest(".block[id]").title = help.textContent;
    }
  }

  // Return after typing takes the first match, which Gradio's menu leaves unmarked until an arrow key is pressed.
  function takeFirstMatch(event) {
    const options = event.target.closest(".block").querySelectorAll("[role=option]");
    if (event.key !== "Enter" || !event.target.value || !options.length || [...options].some((option) => option.classList.contains("active"))) return;
    event.target.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
  }

  function addStep(name) {
    if (catalogue.distortions[name]) steps.add(name);
    return null;
  }

  function setSeed(value) {
    const seed = Math.min(Math.max(Math.round(Number(value)), 0), Number.MAX_SAFE_INTEGER);
    if (!Number.isFinite(seed) || seed === state.seed) return;
    state.seed = seed;
    moved(true);
  }

  function reroll() {
    state.seed = Math.floor(Math.random() * 100000);
    changed();
  }

  function setAgainst(name) {
    if (!state.models.includes(name)) return;
    state.against = name;
    moved(true);
    trigger("sync");
  }

  function setPixels(value) {
    state.quantised = value !== "float";
    moved(true);
  }

  function showRecipe(text) {
    const field = byId("recipe").querySelector("textarea");
    const writing = document.activeElement === field && text === recipe; // leave what somebody is typing
    if (!text || writing || text === field.value) return;
    recipe = text;
    trigger("recipe");
  }

  // Enter and leaving the field both hand its text over: it is read once for each time something was typed, else a
  // slider moved right after Enter would jump back.
  async function setRecipe(text) {
    if (!typed || text.trim() === recipe) return;
    typed = false;
    const read = await server.read_recipe(text);
    if (!read || read.error) return notice.show(read?.error ?? "The explorer does not answer. Is it still running?", { error: true });
    if (read.against !== null && !state.models.includes(read.against)) {
      if (!card(read.against)) return notice.show(`The recipe attacks ${read.against}, which is no model of this family.`, { error: true });
      state.models.push(read.against);
    }
    state.steps = read.steps.map(([name, amount]) => ({ name, amount, on: true }));
    Object.assign(state, { seed: read.seed, against: read.against, quantised: read.quantised });
    changed();
  }
}
