// Gradio's own controls: what they say goes into the state, and what the state says they show.

import { byId } from "../shared/dom.js";
import { ask } from "../shared/server.js";

export function makeControls({
  state,
  catalogue,
  family,
  card,
  title,
  steps,
  moved,
  changed,
  trigger,
  server,
  notice,
}) {
  let recipe = ""; // as the server writes it
  let typed = false; // the field holds text that was not read yet
  byId("recipe").addEventListener("input", () => (typed = true));
  label();

  // New properties of all controls, in the order of the `sync` listener's outputs.
  function properties() {
    const update = (properties) => ({ __type__: "update", ...properties });
    const left = family().models.filter((model) => !state.models.includes(model.name));
    const attack = state.steps.some((step) => catalogue.distortions[step.name].adversarial);
    const choices = left.map((model) => [title(model.name), model.name]);
    document.querySelector("#add-model input").placeholder = choices.length ? "Add a model" : "All models are shown";
    return [
      ...steps.properties().map(update),
      update({ value: state.family }),
      update({ choices, value: null, interactive: choices.length > 0 }),
      update({ value: null, interactive: state.steps.length < catalogue.limits.steps }),
      update({ value: state.seed }),
      update({
        choices: state.models.map((name) => [title(name), name]),
        value: state.against ?? state.models[0],
        visible: attack,
      }),
      update({ value: state.quantised ? "8-bit" : "float" }),
    ];
  }

  // Gradio's menus have no prompt of their own, and their help takes a line each: both go where they cost no room.
  function label() {
    byId("add-step").querySelector("input").placeholder = "Add a distortion";
    for (const id of ["add-model", "add-step"]) {
      byId(id).querySelector("input").addEventListener("keydown", takeFirstMatch, { capture: true });
    }
    byId("recipe").querySelector("textarea").setAttribute("aria-label", "Recipe");
    for (const event of ["pointerover", "focusin"]) byId("rail").addEventListener(event, showHelp);
    byId("reroll").setAttribute("aria-label", "Another seed");
    byId("reroll").title = "Draw other noise of the same strength";
  }

  // Read when it is wanted, since Gradio takes the menu of what attacks are crafted on off the page and puts it back.
  function showHelp({ target }) {
    const block = target.closest(".block[id]:not(.step)");
    const help = block?.querySelector(".info-text");
    if (help) block.title = help.textContent;
  }

  // Return after typing takes the first match, which Gradio's menu leaves unmarked until an arrow key is pressed.
  function takeFirstMatch(event) {
    const options = event.target.closest(".block").querySelectorAll("[role=option]");
    if (
      event.key !== "Enter" ||
      !event.target.value ||
      !options.length ||
      [...options].some((option) => option.classList.contains("active"))
    )
      return;
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
    const read = await ask(server, "read_recipe", text);
    if (read.error) return notice.show(read.error, { error: true });
    if (read.against !== null && !state.models.includes(read.against)) {
      if (!card(read.against))
        return notice.show(`The recipe attacks ${read.against}, which is not a model of this family.`, { error: true });
      state.models.push(read.against);
    }
    state.steps = read.steps.map(([name, amount]) => ({ name, amount, on: true }));
    Object.assign(state, { seed: read.seed, against: read.against, quantised: read.quantised });
    changed();
  }

  return { properties, recipe: () => recipe, showRecipe, addStep, setSeed, reroll, setAgainst, setPixels, setRecipe };
}
