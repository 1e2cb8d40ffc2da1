// The four counts at the head of the page "Failures": who fails how many cases. Each is a button that shows or hides them.

/** @import { Quadrant, Side, World } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { count, percentOrLess } from "../shared/format.js";

/** @type {[name: Quadrant, which: Side | null, help: string][]} */
const QUADRANTS = [
  ["only_baseline_fails", "baseline", "Right only with the other model: what it gains"],
  ["only_other_fails", "other", "Right only with the baseline: what the other model loses"],
  ["both_fail", null, "Neither model is right"],
  ["neither_fails", null, "Both models are right"],
];

/** @type {(parts: { world: World }) => { element: HTMLElement; fit: () => void; paint: (numbers: Record<Quadrant, number> | null) => void }} */
export function makeQuadrants({ world }) {
  const element = make("div", {
    class: "f-quadrants",
    role: "group",
    "aria-label": "Who fails: choose which cases are shown",
  });
  const quadrants = QUADRANTS.map(([name, which, help]) => {
    const [number, share, words] = [make("b"), make("span", { class: "share" }), make("span", { class: "words" })];
    const button = make(
      "button",
      { class: "f-quadrant", title: help, "data-quadrant": name },
      words,
      number,
      share,
      make("i"),
    );
    button.addEventListener("click", () => {
      const shown = world.chosen.filters.quadrants;
      world.filter({
        quadrants: QUADRANTS.map(([one]) => one).filter((one) => (one === name) !== shown.includes(one)),
      });
    });
    element.append(button);
    return { name, which, button, number, share, words };
  });

  // Other models: their names and colours.
  function fit() {
    for (const { which, words, button } of quadrants.slice(0, 2)) {
      if (!which) continue;
      const model = world.side(which);
      const mark = make("span", { "data-method": world.methodOf(model), class: "dot" });
      words.replaceChildren("Only ", mark, make("b", {}, world.nameOf(model)), " fails");
      button.dataset.method = world.methodOf(model);
    }
    quadrants[2].words.textContent = "Both fail";
    quadrants[3].words.textContent = "Neither fails";
  }

  // `numbers`: cases by quadrant, or null while they are not known.
  /** @type {(numbers: Record<Quadrant, number> | null) => void} */
  function paint(numbers) {
    const all = numbers ? Object.values(numbers).reduce((sum, one) => sum + one, 0) : 0;
    for (const { name, button, number, share } of quadrants) {
      button.setAttribute("aria-pressed", String(world.chosen.filters.quadrants.includes(name)));
      if (!numbers) continue;
      number.textContent = count(numbers[name]);
      share.textContent = all ? `${percentOrLess(numbers[name] / all, 1)} of ${count(all)}` : "";
      button.style.setProperty("--share", String(all ? numbers[name] / all : 0));
    }
  }

  return { element, fit, paint };
}
