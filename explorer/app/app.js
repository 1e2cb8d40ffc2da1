// The page around the panel: it keeps the state, wires Gradio's controls and the buttons to it, and asks the server.
// Gradio's own listeners reach it as window.stabilityExplorer; `trigger` tells Gradio to fetch the controls' new values.

export async function start({ element, server, trigger, catalogue, mount, makePictures, makeSteps, makeBrowser, makeJobs, openDialog }) {
  const families = Object.fromEntries(catalogue.families.map((family) => [family.key, family]));
  const state = {
    family: catalogue.first.family,
    models: [...catalogue.first.models],
    picture: catalogue.first.picture ?? { sample: catalogue.samples[0]?.sample },
    steps: catalogue.first.steps.map(([name, amount]) => ({ name, amount, on: true })),
    seed: 0,
    against: null,
    quantised: true,
  };
  const family = () => families[state.family];
  const card = (name) => family().models.find((model) => model.name === name);
  const byId = (id) => document.getElementById(id);
  let recipe = "";
  let typed = false; // the recipe field holds text that was not read yet

  const panel = mount(element, { ask, state: question() }); // it asks and paints while Gradio still builds the controls
  const sliders = Array.from({ length: catalogue.limits.steps }, (_, i) => `#step-${i}`);
  const others = ["#theme", "#pictures", "#models", "#add-model input", "#add-step input", "#recipe textarea"];
  await allThere([...others, ...sliders.map((id) => `${id} input[type=range]`)]);
  wireTheme(byId("theme"));
  byId("recipe").addEventListener("input", () => (typed = true));
  const notice = makeNotice();
  const page = { question, state: () => state };
  const jobs = makeJobs({ server });
  const brought = { catalogue, server, jobs, page, notice, choose: choosePicture, make, makeBrowser, openDialog };
  const pictures = makePictures({ element: byId("pictures"), ...brought });
  const blocks = sliders.map((id) => document.querySelector(id));
  const steps = makeSteps({ blocks, state, catalogue, side: () => family().size, notice, moved, changed, make });
  const heard = { chooseFamily, addModel, addStep, setSeed, reroll, setAgainst, setPixels, setRecipe };
  window.stabilityExplorer = { ...heard, controls, recipeText: () => [recipe] };
  element.addEventListener("answer", ({ detail }) => showRecipe(detail.answer?.recipe));
  labelControls();
  paintModels();
  showRecipe(panel.answer()?.recipe);
  trigger("sync");

  // ---- asking ---------------------------------------------------------------------------------------------------

  function question() {
    const active = state.steps.filter((step) => step.on).map(({ name, amount }) => [name, amount]);
    const attacked = active.some(([name]) => catalogue.distortions[name].adversarial);
    const against = attacked ? state.against ?? state.models[0] : null;
    return { picture: state.picture, models: [...state.models], recipe: { steps: active, seed: state.seed, against, quantised: state.quantised } };
  }

  async function ask(wanted) {
    const answer = await server.ask(wanted);
    if (!answer?.gone) return answer;
    // The server forgot a brought picture (it was restarted, or hours have passed): hand it over again.
    const token = await pictures.bringAgain(wanted.picture.token);
    if (!token) return answer;
    if (state.picture.token === wanted.picture.token) state.picture = { token };
    return server.ask({ ...wanted, picture: { token } });
  }

  // A slider moves: ask at once, leave the controls alone. `done` when it has come to rest.
  function moved(done) {
    panel.update(question(), { live: !done });
  }

  // Anything else: ask, and let the controls follow.
  function changed() {
    notice.clear();
    if (!state.models.includes(state.against)) state.against = null;
    steps.paint();
    paintModels();
    panel.update(question());
    trigger("sync");
  }

  // ---- models and pictures ----------------------------------------------------------------------------------------

  function chooseFamily(key) {
    if (!families[key] || key === state.family) return;
    enterFamily(key);
    const { data, channels } = family();
    const own = catalogue.datasets.find(({ name, here }) => here && data.includes(name))?.name;
    if (!state.picture.token && !data.includes(state.picture.dataset)) {
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
    const wanted = catalogue.families.find((candidate) =>
      picture.dataset ? candidate.data.includes(picture.dataset) : picture.sample && candidate.channels === 3,
    );
    const fits = picture.dataset ? family().data.includes(picture.dataset) : family().channels === 3 || picture.token;
    if (wanted && !fits) enterFamily(wanted.key);
    changed();
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
    const before = [...state.models];
    state.models = state.models.filter((other) => other !== name);
    changed();
    notice.show(`${title(name)} removed.`, { undo: () => ((state.models = before), changed()) });
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
    panel.update(question());
  }

  function reroll() {
    state.seed = Math.floor(Math.random() * 100000);
    changed();
  }

  function setAgainst(name) {
    if (!state.models.includes(name)) return;
    state.against = name;
    panel.update(question());
  }

  function setPixels(value) {
    state.quantised = value !== "float";
    panel.update(question());
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

// Gradio builds its components one after another: wait until an element of every selector stands on the page.
function allThere(selectors) {
  return new Promise((resolve) => {
    const look = () => {
      if (!selectors.every((selector) => document.querySelector(selector))) return;
      observer.disconnect();
      resolve();
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
    look();
  });
}

// ---- small things -------------------------------------------------------------------------------------------------------

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = "button";
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text, never markup
  return element;
}

// One line at the foot of the page: what went wrong, or what was removed, with a way back. It stays until it is closed
// or something else changes; nobody has to be quick.
function makeNotice() {
  const box = make("div", { class: "notice", role: "status" });
  document.getElementById("explore").append(box);
  const clear = () => box.replaceChildren();
  const button = (text, label, act) => {
    const made = make("button", { class: "plain", "aria-label": label }, text);
    made.addEventListener("click", () => {
      clear();
      act?.();
    });
    return made;
  };
  const show = (sentence, { undo, error } = {}) => {
    box.setAttribute("role", error ? "alert" : "status");
    box.replaceChildren(make("span", {}, sentence), ...(undo ? [button("Undo", "Undo", undo)] : []), button("×", "Close", null));
  };
  return { show, clear };
}

function wireTheme(button) {
  const dark = () => document.body.classList.contains("dark");
  const set = (on) => document.body.classList.toggle("dark", on);
  const named = new URLSearchParams(location.search).has("__theme");
  const kept = localStorage.getItem("stability-explorer-theme");
  if (kept && !named) set(kept === "dark");
  const paint = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    set(!dark());
    localStorage.setItem("stability-explorer-theme", dark() ? "dark" : "light");
    paint();
  });
  paint();
}
