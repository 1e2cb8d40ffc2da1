// The tab "Attacks": one attack crafted on each model and shown to all of them, and whether it can be trusted.

/** @import { AttackAnswer, Question, RecipeStep, View, ViewParts } from "../../types.d.ts" */

import { make } from "../../shared/dom.js";
import { rounded } from "../../shared/format.js";
import { cellsOf, drawMatrix, summary } from "./attack_matrix.js";
import { onAnswer } from "./events.js";

const BUSY_MS = 300; // nothing moves before that
const WAITING = "This follows as soon as the panel above has its answer.";

/** @type {(parts: ViewParts) => View} */
export function makeAttacksView({ element, page, jobs, catalogue }) {
  const known = Object.entries(catalogue.distortions).filter(([, distortion]) => distortion.adversarial);
  const attack = make(
    "select",
    { "aria-label": "Attack" },
    ...known.map(([name, { title }]) => make("option", { value: name }, title)),
  );
  const size = make("input", { type: "range", "aria-label": "Size of the attack" });
  const shown = make("input", { type: "number", "aria-label": "Size of the attack, as a number" });
  const unit = make("span", { class: "soft" });
  const onTop = make("input", { type: "checkbox" });
  const onTopTitle =
    "Keep the distortions that are on, and attack the picture they make; else start from the clean picture";
  const again = make("button", { hidden: "" }, "Ask again");
  const stop = make("button", {}, "Cancel");
  const bar = make("i");
  const work = make(
    "div",
    { class: "work", hidden: "" },
    make("span", { class: "track", "aria-hidden": "true" }, bar),
    make("span", {}, "Crafting"),
    stop,
  );
  const message = make("p", { class: "outcome", role: "status" });
  const found = make("div", { class: "found", hidden: "" });
  const top = make("label", { title: onTopTitle }, onTop, "on top of the present chain");
  element.append(
    make(
      "div",
      { class: "asking" },
      attack,
      make("label", { title: "How much the attack may change the picture" }, "ε", size),
      shown,
      unit,
      top,
      again,
    ),
    work,
    message,
    found,
  );

  /** @type {Question | null} */
  let question = null;
  /** @type {number | null} */
  let amount = null; // of the attack
  /** @type {string | null} */
  let pending = null; // the question, as JSON, being worked on
  /** @type {string | null} */
  let drawn = null; // the one whose matrix is on screen
  /** @type {string | null} */
  let given = null; // the one that was cancelled or failed
  /** @type {AttackAnswer | null} */
  let painted = null; // the answer on screen
  let busy = 0;

  say(WAITING);
  // Where the panel has no answer to the present question, nor has this.
  onAnswer(({ error }) => {
    if (!error) return;
    end();
    say(error, true);
  });
  attack.addEventListener("change", () => {
    amount = page.distortion(attack.value).default;
    paintSize();
    settle();
  });
  for (const input of [size, shown]) {
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber)) return;
      const { low, high } = page.range({ name: attack.value });
      amount = Math.min(Math.max(input.valueAsNumber / page.distortion(attack.value).factor, low), high);
      paintSize(input);
    });
    input.addEventListener("change", () => {
      paintSize();
      settle();
    });
  }
  onTop.addEventListener("change", settle);
  again.addEventListener("click", () => {
    given = null;
    settle();
  });
  stop.addEventListener("click", () => {
    given = pending;
    end();
    say("Cancelled.");
    again.hidden = false;
    again.focus();
  });

  /** @type {View["update"]} */
  function update({ question: newest, live }) {
    if (amount === null) takeOver(newest.recipe.steps);
    question = newest;
    if (!live) return settle();
    const key = keyOf(wanted(newest));
    if (pending !== key) end();
    found.classList.toggle("stale", key !== drawn);
  }

  // Begin with the attack that is on, if there is one.
  /** @type {(steps: RecipeStep[]) => void} */
  function takeOver(steps) {
    const [name, value] = steps.findLast(([step]) => page.distortion(step).adversarial) ?? [
      known[0][0],
      known[0][1].default,
    ];
    attack.value = name;
    amount = value;
    paintSize();
  }

  /** @type {(typing?: HTMLInputElement | null) => void} */
  function paintSize(typing = null) {
    const { factor, symbol, unit: words } = page.distortion(attack.value);
    const { low, high, step } = page.range({ name: attack.value });
    for (const input of [size, shown]) {
      Object.assign(input, {
        min: rounded(low * factor),
        max: rounded(high * factor),
        step: input === size ? rounded(step * factor) : "any",
      });
      if (input !== typing) input.value = String(rounded((amount ?? 0) * factor));
    }
    unit.textContent = symbol === "/255" ? "/255" : words;
  }

  /** @type {(question: Question) => { state: Question; attack: string; amount: number }} */
  function wanted(question) {
    const { reference, ...rest } = question; // an attack starts from the clean picture, not from a pinned one
    const steps = onTop.checked ? [...rest.recipe.steps] : [];
    const at = steps.findLastIndex(([name]) => name === attack.value);
    const size = amount ?? 0;
    if (at >= 0) steps[at] = [attack.value, size]; // the step that is crafted, whatever its present amount
    return {
      state: { ...rest, recipe: { ...rest.recipe, steps, against: rest.models[0] } },
      attack: attack.value,
      amount: size,
    };
  }

  /** @type {(asking: object) => string} */
  const keyOf = (asking) => JSON.stringify(asking);

  function settle() {
    if (!question) return;
    const asking = wanted(question);
    const key = keyOf(asking);
    markCell();
    found.classList.toggle("stale", key !== drawn);
    if (key === drawn && painted) {
      end();
      say(summary(painted));
    } else if (key !== pending && key !== given) ask(key, asking);
  }

  /** @type {(key: string, asking: object) => Promise<void>} */
  async function ask(key, asking) {
    end();
    pending = key;
    given = null;
    again.hidden = true;
    say("");
    busy = setTimeout(() => {
      work.hidden = false;
    }, BUSY_MS);
    const progress = (/** @type {number} */ done, /** @type {number} */ total) => {
      bar.style.transform = `scaleX(${total ? done / total : 0})`;
    };
    progress(0, 1);
    const answer = await jobs.run("attacks", asking, { key: "attacks", progress });
    if (pending !== key) return; // another question has superseded this one
    end();
    if (!answer?.cells) {
      given = key;
      again.hidden = false;
      return say(answer?.error ?? "The attack was ended.", true);
    }
    drawn = key;
    painted = answer;
    found.classList.remove("stale");
    draw(answer);
    say(summary(answer));
  }

  function end() {
    clearTimeout(busy);
    if (pending) jobs.cancel("attacks");
    pending = null;
    work.hidden = true;
  }

  /** @type {(sentence: string, error?: boolean) => void} */
  function say(sentence, error = false) {
    message.setAttribute("role", error ? "alert" : "status");
    message.textContent = sentence;
  }

  // ---- the matrix -------------------------------------------------------------------------------------------------

  /** @type {(answer: AttackAnswer) => void} */
  function draw(answer) {
    found.replaceChildren(...drawMatrix(answer, { page, chosen: put }));
    found.hidden = false;
    markCell();
  }

  /** @type {(answer: AttackAnswer, i: number) => void} */
  function put({ steps, title, models }, i) {
    if (found.classList.contains("stale")) return;
    const chain = steps.map(([name, value]) => ({ name, amount: value, on: true }));
    page.setSteps(chain, { words: title, against: models[i] });
  }

  // The row whose pixels are on screen is marked.
  function markCell() {
    if (!painted || !question) return;
    const { steps, against } = question.recipe;
    const same = JSON.stringify(steps) === JSON.stringify(painted.steps);
    for (const button of cellsOf(found)) {
      button.setAttribute("aria-pressed", String(same && painted.models[Number(button.dataset.row)] === against));
    }
  }

  return { update, hide: end };
}
