// Gradio's own controls: what they say goes into the state, and what the state says they show.

/** @import { Move, RecipeStep, Steps, Wired } from "../types.d.ts" */

import { byId, find, targetOf } from "../shared/dom.js";
import { ask } from "../shared/server.js";
import { CENTRE } from "./link.js";

/** @type {(parts: Wired & { steps: Steps }) => { properties: () => object[]; recipe: () => string; showRecipe: (text: string | undefined) => void; addStep: (name: string) => null; setSeed: (value: unknown) => void; reroll: () => void; setAgainst: (name: string) => void; setPixels: (value: string) => void; setOn: (value: "input" | "photograph") => void; setWindow: Move; setRecipe: (text: string) => Promise<void> }} */
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
  /** @type {(id: string) => HTMLInputElement} */
  const input = (id) => find(byId(id), "input");
  /** @type {() => HTMLTextAreaElement} */
  const recipeField = () => find(byId("recipe"), "textarea");
  let recipe = ""; // as the server writes it
  let typed = false; // the field holds text that was not read yet
  byId("recipe").addEventListener("input", () => {
    typed = true;
  });
  label();

  // New properties of all controls, in the order of the `sync` listener's outputs.
  function properties() {
    /** @type {(properties: object) => object} */
    const update = (properties) => ({ __type__: "update", ...properties });
    const left = family().models.filter((model) => !state.models.includes(model.name));
    const attack = state.steps.some((step) => catalogue.distortions[step.name].adversarial);
    const choices = left.map((model) => [title(model.name), model.name]);
    input("add-model").placeholder = choices.length ? "Add a model" : "All models are shown";
    return [
      ...steps.properties().map(update),
      update({ choices: catalogue.families.map(({ key, title: text }) => [text, key]), value: state.family }),
      update({ choices, value: null, interactive: choices.length > 0 }),
      update({ value: null, interactive: state.steps.length < catalogue.limits.steps }),
      update({ value: state.seed }),
      update({
        choices: state.models.map((name) => [title(name), name]),
        value: state.against ?? state.models[0],
        visible: attack,
      }),
      update({ value: state.quantised ? "8-bit" : "float" }),
      update({ value: state.on }),
    ];
  }

  // Gradio's menus have no prompt of their own, and their help takes a line each: both go where they cost no room.
  function label() {
    input("add-step").placeholder = "Add a distortion";
    for (const id of ["add-model", "add-step"]) {
      input(id).addEventListener("keydown", takeFirstMatch, { capture: true });
    }
    recipeField().setAttribute("aria-label", "Recipe");
    for (const event of ["pointerover", "focusin"]) byId("rail").addEventListener(event, showHelp);
    byId("reroll").setAttribute("aria-label", "Another seed");
    byId("reroll").title = "Draw other noise of the same strength";
  }

  // Read when it is wanted, since Gradio takes the menu of what attacks are crafted on off the page and puts it back.
  /** @type {(event: Event) => void} */
  function showHelp(event) {
    const block = /** @type {HTMLElement | null} */ (targetOf(event).closest(".block[id]:not(.step)"));
    const help = block?.querySelector(".info-text");
    if (block && help) block.title = help.textContent;
  }

  // Return after typing takes the first match, which Gradio's menu leaves unmarked until an arrow key is pressed.
  /** @type {(event: KeyboardEvent) => void} */
  function takeFirstMatch(event) {
    const field = targetOf(event);
    const options = [...(field.closest(".block")?.querySelectorAll("[role=option]") ?? [])];
    const marked = options.some((option) => option.classList.contains("active"));
    if (event.key !== "Enter" || !field.value || !options.length || marked) return;
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
  }

  /** @type {(name: string) => null} */
  function addStep(name) {
    if (catalogue.distortions[name]) steps.add(name);
    return null;
  }

  /** @type {(value: unknown) => void} */
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

  /** @type {(name: string) => void} */
  function setAgainst(name) {
    if (!state.models.includes(name)) return;
    state.against = name;
    moved(true);
    trigger("sync");
  }

  /** @type {(value: string) => void} */
  function setPixels(value) {
    state.quantised = value !== "float";
    moved(true);
  }

  /** @type {(value: "input" | "photograph") => void} */
  function setOn(value) {
    state.on = value;
    state.window = CENTRE;
    state.reference = null; // a pinned picture has the other size
    changed();
  }

  // The part of the photograph that networks are given is moved; a pinned state has the same.
  /** @type {Move} */
  function setWindow(window, { live }) {
    state.window = window;
    const pinned = state.reference;
    if (pinned) state.reference = { ...pinned, recipe: { ...pinned.recipe, window } };
    moved(!live);
  }

  /** @type {(text: string | undefined) => void} */
  function showRecipe(text) {
    const field = recipeField();
    const writing = document.activeElement === field && text === recipe; // keep what the user is typing
    if (!text || writing || text === field.value) return;
    recipe = text;
    trigger("recipe");
  }

  // Enter and leaving the field both hand its text over: it is read once for each time something was typed, else a
  // slider moved right after Enter would jump back.
  /** @type {(text: string) => Promise<void>} */
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
    /** @type {RecipeStep[]} */
    const steps = read.steps;
    state.steps = steps.map(([name, amount]) => ({ name, amount, on: true }));
    const { seed, against, quantised, on, window = CENTRE } = read;
    Object.assign(state, { seed, against, quantised, on, window });
    const pinned = state.reference;
    if (pinned) state.reference = pinned.recipe.on === on ? { ...pinned, recipe: { ...pinned.recipe, window } } : null;
    changed();
  }

  return {
    properties,
    recipe: () => recipe,
    showRecipe,
    addStep,
    setSeed,
    reroll,
    setAgainst,
    setPixels,
    setOn,
    setWindow,
    setRecipe,
  };
}
