// The tab "Weak spots": of all distortions, the least that breaks the baseline, and the least that tells the models
// apart. One distortion is searched after the other, so that results appear while the search continues.

/** @import { Goal, Question, View, ViewParts, Weakness, WeaknessQuestion } from "../../types.d.ts" */

import { make } from "../../shared/dom.js";
import { titleOf } from "./titles.js";
import { makeWeaknessTable } from "./weakness_table.js";
import { summary, tidy } from "./weakness_words.js";

const BUSY_MS = 300; // nothing moves before that
/** @type {Goal[]} */
const GOALS = ["break", "separate"];

/** @type {(parts: ViewParts) => View} */
export function makeWeaknessView({ element, page, jobs, catalogue }) {
  const goals = {
    break: make("button", { class: "ask" }, "What breaks the baseline soonest?"),
    separate: make("button", { class: "ask" }, "What separates the models soonest?"),
  };
  goals.break.title = "For each distortion, the smallest amount at which the baseline changes its answer";
  const among = make("select", { "aria-label": "Distortions to search", title: "Which distortions to search" });
  const onTop = make("input", { type: "checkbox" });
  const onTopTitle =
    "Keep the distortions that are on, and search for the least that is needed beside them; else start from the clean picture";
  const topLabel = make("label", { title: onTopTitle }, onTop, "on top of the present chain");
  const stop = make("button", {}, "Cancel");
  const bar = make("i");
  const where = make("span");
  const work = make(
    "div",
    { class: "work", hidden: "" },
    make("span", { class: "track", "aria-hidden": "true" }, bar),
    where,
    stop,
  );
  const message = make("p", { class: "outcome", role: "status" });
  const table = makeWeaknessTable({ page, put });
  const result = table.element;
  result.hidden = true;
  element.append(make("div", { class: "asking" }, goals.break, goals.separate, among, topLabel), work, message, result);

  /** @type {WeaknessQuestion | null} */
  let current = null; // the question that the rows answer
  /** @type {{ names: string[]; at: number } | null} */
  let running = null; // the distortions to search, and how many are done
  let busy = 0;

  fillMenu();
  for (const goal of GOALS) goals[goal].addEventListener("click", () => search(goal));
  stop.addEventListener("click", () => {
    if (!running || !current) return;
    const { at, names } = running;
    end();
    say(`Cancelled after ${at} of ${names.length}.`);
    goals[current.goal].focus();
  });
  say("A search takes from seconds to a minute or two; sliders go first meanwhile.");

  function fillMenu() {
    const known = Object.entries(catalogue.distortions);
    /** @type {(label: string, adversarial: boolean) => HTMLElement} */
    const group = (label, adversarial) => {
      const options = known.filter(([, distortion]) => distortion.adversarial === adversarial);
      return make("optgroup", { label }, ...options.map(([name, { title }]) => make("option", { value: name }, title)));
    };
    among.append(
      make("option", { value: "all" }, "All distortions"),
      make("option", { value: "natural" }, "All but attacks"),
      group("One distortion", false),
      group("One attack", true),
    );
  }

  // The distortions that the menu asks for. Attacks take the longest: they come last.
  function chosen() {
    const known = Object.entries(catalogue.distortions).filter(([, distortion]) => distortion.searched);
    /** @type {(adversarial: boolean) => string[]} */
    const searched = (adversarial) =>
      known.flatMap(([name, distortion]) => (distortion.adversarial === adversarial ? [name] : []));
    if (among.value !== "all") return among.value === "natural" ? searched(false) : [among.value];
    const attacks = page.question().recipe.on === "photograph" ? [] : searched(true); // they act on the input
    return [...searched(false), ...attacks];
  }

  // What the rows depend on, apart from the chain, which is put on from here.
  /** @type {(question: Question) => string} */
  const keyOf = ({ picture, models, recipe }) =>
    JSON.stringify([picture, models, recipe.seed, recipe.quantised, recipe.on, recipe.window]);

  /** @type {View["update"]} */
  function update({ question }) {
    const single = question.models.length < 2;
    goals.separate.disabled = single;
    goals.separate.title = single
      ? "This needs two models; add another"
      : "For each distortion, the smallest amount at which some models have changed their answer and others hold";
    if (current) table.paint(question.recipe.steps, leftBehind(question, current));
  }

  // A search ends where its picture or models have been left for others, also while its tab is closed.
  /** @type {(question: Question, current: WeaknessQuestion) => boolean} */
  function leftBehind(question, { key }) {
    const stale = keyOf(question) !== key;
    if (stale && running) {
      const { at, names } = running;
      end();
      say(`Stopped after ${at} of ${names.length}: the picture or the models are others now.`);
    }
    return stale;
  }

  // ---- searching --------------------------------------------------------------------------------------------------

  /** @type {(goal: Goal) => Promise<void>} */
  async function search(goal) {
    const { reference, ...question } = page.question(); // weak spots are those of the clean picture
    const { against, steps } = question.recipe;
    const chain = onTop.checked ? steps : [];
    const attacked = chain.some(([name]) => page.distortion(name).adversarial);
    const state = { ...question, recipe: { ...question.recipe, steps: chain, against: attacked ? against : null } };
    const mySearch = { names: chosen(), at: 0 };
    end();
    running = mySearch;
    const mine = { key: keyOf(question), goal, models: question.models, chain };
    current = mine;
    for (const name of GOALS) goals[name].setAttribute("aria-pressed", String(name === goal));
    table.begin(mine);
    say("");
    busy = setTimeout(() => {
      work.hidden = result.hidden = false;
    }, BUSY_MS);
    for (const name of mySearch.names) {
      const { title } = page.distortion(name);
      const progress = (/** @type {number} */ done, /** @type {number} */ total) =>
        tell(mySearch, title, total ? done / total : 0);
      progress(0, 1);
      const found = await jobs.run("weakness", { state, goal, distortion: name }, { key: "weakness", progress });
      if (running !== mySearch || leftBehind(page.question(), mine)) return;
      if (!found?.steps) {
        end();
        return say(found?.error ?? "The search was ended.", true);
      }
      mySearch.at += 1;
      table.add(found);
    }
    end();
    say(summary(table.rows(), { goal, chain, baseline: titleOf(page, mine.models[0]) }));
  }

  function end() {
    clearTimeout(busy);
    if (running) jobs.cancel("weakness");
    running = null;
    work.hidden = true;
    result.hidden = !table.rows().length;
  }

  /** @type {(progress: { at: number; names: string[] }, title: string, part: number) => void} */
  function tell({ at, names }, title, part) {
    where.textContent = `${title} · ${at + 1} of ${names.length}`;
    bar.style.transform = `scaleX(${(at + part) / names.length})`;
  }

  /** @type {(sentence: string, error?: boolean) => void} */
  function say(sentence, error = false) {
    message.setAttribute("role", error ? "alert" : "status");
    message.textContent = sentence;
  }

  /** @type {(row: Weakness) => void} */
  function put({ steps, against, title, shown }) {
    const chain = steps.map(([name, amount]) => ({ name, amount, on: true }));
    page.setSteps(chain, { words: `${title} ${tidy(shown) ?? "at its strongest"}`, against });
  }

  return { update };
}
