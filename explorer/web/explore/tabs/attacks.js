// The tab "Attacks": one attack crafted on each model and shown to all of them, and whether it can be trusted.

import { dot, make, makeEdges } from "../../shared/dom.js";
import { percentOrLess, rounded } from "../../shared/format.js";
import { titleOf } from "./titles.js";

const BUSY_MS = 300; // nothing moves before that
const WAITING = "This follows as soon as the panel above has its answer.";
const HELP =
  "Each row is one attack, computed against the model at its left; each column is a model that is shown its pixels. Choose a cell to see those pixels above.";

export function makeAttacksView({ element, page, jobs, catalogue }) {
  const known = Object.entries(catalogue.distortions).filter(([, kind]) => kind.adversarial);
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
  const said = make("p", { class: "said", role: "status" });
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
    said,
    found,
  );

  let question = null;
  let amount = null; // of the attack
  let asked = null; // the question, as JSON, being worked on
  let drawn = null; // the one whose matrix is on screen
  let given = null; // the one that was cancelled or failed
  let painted = null; // the answer on screen
  let busy = 0;

  say(WAITING);
  // Where the panel has no answer to the present question, nor has this.
  document.addEventListener("answer", ({ detail }) => {
    if (!detail.error) return;
    end();
    say(detail.error, true);
  });
  attack.addEventListener("change", () => {
    amount = page.kind(attack.value).default;
    paintSize();
    settle();
  });
  for (const input of [size, shown]) {
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber)) return;
      const { low, high } = page.range({ name: attack.value });
      amount = Math.min(Math.max(input.valueAsNumber / page.kind(attack.value).factor, low), high);
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
    given = asked;
    end();
    say("Cancelled.");
    again.hidden = false;
    again.focus();
  });

  function update({ question: newest, live }) {
    if (amount === null) takeOver(newest.recipe.steps);
    question = newest;
    if (!live) return settle();
    const key = keyOf(wanted());
    if (asked !== key) end();
    found.classList.toggle("stale", key !== drawn);
  }

  // Begin with the attack that is on, if there is one.
  function takeOver(steps) {
    const [name, value] = steps.findLast(([step]) => page.kind(step).adversarial) ?? [known[0][0], known[0][1].default];
    attack.value = name;
    amount = value;
    paintSize();
  }

  function paintSize(typing = null) {
    const { factor, symbol, unit: words } = page.kind(attack.value);
    const { low, high, step } = page.range({ name: attack.value });
    for (const input of [size, shown]) {
      Object.assign(input, {
        min: rounded(low * factor),
        max: rounded(high * factor),
        step: input === size ? rounded(step * factor) : "any",
      });
      if (input !== typing) input.value = rounded(amount * factor);
    }
    unit.textContent = symbol === "/255" ? "/255" : words;
  }

  function wanted() {
    const { reference, ...rest } = question; // an attack starts from the clean picture, not from a pinned one
    const steps = onTop.checked ? [...rest.recipe.steps] : [];
    const at = steps.findLastIndex(([name]) => name === attack.value);
    if (at >= 0) steps[at] = [attack.value, amount]; // the step that is crafted, whatever its present amount
    return {
      state: { ...rest, recipe: { ...rest.recipe, steps, against: rest.models[0] } },
      attack: attack.value,
      amount,
    };
  }

  const keyOf = (asking) => JSON.stringify(asking);

  function settle() {
    if (!question) return;
    const asking = wanted();
    const key = keyOf(asking);
    markCell();
    found.classList.toggle("stale", key !== drawn);
    if (key === drawn) {
      end();
      say(summary(painted));
    } else if (key !== asked && key !== given) ask(key, asking);
  }

  async function ask(key, asking) {
    end();
    asked = key;
    given = null;
    again.hidden = true;
    say("");
    busy = setTimeout(() => (work.hidden = false), BUSY_MS);
    const progress = (done, total) => (bar.style.transform = `scaleX(${total ? done / total : 0})`);
    progress(0, 1);
    const answer = await jobs.run("attacks", asking, { key: "attacks", progress });
    if (asked !== key) return; // another question has superseded this one
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
    if (asked) jobs.cancel("attacks");
    asked = null;
    work.hidden = true;
  }

  function say(sentence, error = false) {
    said.setAttribute("role", error ? "alert" : "status");
    said.textContent = sentence;
  }

  // ---- the matrix -------------------------------------------------------------------------------------------------

  function summary({ title, shown: much, models, cells }) {
    const own = models.filter((_, i) => cells[i][i].flipped).length;
    const others = cells.flatMap((row, i) => row.filter((_, j) => j !== i));
    const fools = `${title} at ${much} fools ${own} of ${models.length} models that it is crafted on`;
    if (!others.length) return `${fools}.`;
    return `${fools}, and in ${others.filter((cell) => cell.flipped).length} of ${others.length} cases a model that it is not crafted on.`;
  }

  function draw(answer) {
    const { models, clean, cells, followed } = answer;
    const named = (name, attributes) =>
      make("th", { "data-method": page.method(name) ?? "", ...attributes }, dot(), titleOf(page, name));
    const head = make(
      "tr",
      {},
      make("td", { class: "corner" }, "crafted on ↓   shown to →"),
      ...models.map((name) => named(name, { scope: "col" })),
    );
    const first = make(
      "tr",
      { class: "clean" },
      make("th", { scope: "row" }, "no attack"),
      ...clean.map((cell, j) => make("td", {}, ...words(cell, followed[j]))),
    );
    const rows = models.map((name, i) => {
      const row = make("tr", {}, named(name, { scope: "row" }));
      for (const [j, cell] of cells[i].entries()) row.append(drawCell(answer, cell, i, j));
      return row;
    });
    const table = make(
      "table",
      {},
      make("caption", { title: HELP }, `${answer.title}, ${answer.shown}: what each model answers`),
      make("thead", {}, head),
      make("tbody", {}, first, ...rows),
    );
    table.addEventListener("keydown", walk);
    found.replaceChildren(
      makeEdges(make("div", { class: "scroll" }, table)),
      make("p", { class: "soft" }, HELP),
      flags(answer),
    );
    found.hidden = false;
    markCell();
  }

  const words = (cell, followed) => [
    make("strong", {}, cell.answer),
    " ",
    make(
      "small",
      { title: `Probability of ${followed}; margin ${cell.margin.toFixed(2)}` },
      `${followed}: ${percentOrLess(cell.confidence)}`,
    ),
  ];

  function drawCell({ models, followed, title }, cell, i, j) {
    const [from, to] = [titleOf(page, models[i]), titleOf(page, models[j])];
    const badge = make(
      "span",
      { class: `badge ${cell.flipped ? "flipped" : "holds"}` },
      cell.flipped ? "flipped" : "holds",
    );
    const label = `${title} crafted on ${from}, shown to ${to}: ${cell.flipped ? "flipped to" : "holds,"} ${cell.answer}, ${followed[j]} ${percentOrLess(cell.confidence)}`;
    const button = make(
      "button",
      {
        "aria-label": label,
        title: `See the pixels crafted on ${from}`,
        "data-row": String(i),
        tabindex: i || j ? "-1" : "0",
      },
      badge,
      ...words(cell, followed[j]),
    );
    button.addEventListener("click", () => put(i));
    return make("td", { "data-method": page.method(models[j]) ?? "", class: i === j ? "own" : "" }, button);
  }

  function put(i) {
    if (found.classList.contains("stale")) return;
    page.setSteps(
      painted.steps.map(([name, value]) => ({ name, amount: value, on: true })),
      { words: painted.title, against: painted.models[i] },
    );
  }

  // The row whose pixels are on screen is marked.
  function markCell() {
    if (!painted || !question) return;
    const { steps, against } = question.recipe;
    const same = JSON.stringify(steps) === JSON.stringify(painted.steps);
    for (const button of found.querySelectorAll("button[data-row]"))
      button.setAttribute("aria-pressed", String(same && painted.models[Number(button.dataset.row)] === against));
  }

  // The arrow keys go from cell to cell; one of them is reached by Tab.
  function walk(event) {
    const all = [...found.querySelectorAll("button[data-row]")];
    const across = painted.models.length;
    const at = all.indexOf(event.target);
    const column = at % across;
    const to = {
      ArrowRight: column < across - 1 ? at + 1 : at,
      ArrowLeft: column ? at - 1 : at,
      ArrowDown: at + across,
      ArrowUp: at - across,
      Home: at - column,
      End: at - column + across - 1,
    }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (!all[to]) return;
    all[at].tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  }

  function flags({ models, sanity }) {
    const list = make("ul", { class: "flags" });
    models.forEach((name, i) => {
      const all = ["zero_gradient", "falls", "undone"].map((key) => sanity[i][key]);
      const raised = all.filter((flag) => flag.raised);
      const item = make(
        "li",
        { "data-method": page.method(name) ?? "" },
        make("span", { class: "name" }, dot(), titleOf(page, name)),
      );
      const sentences = make("div");
      for (const { sentence } of raised)
        sentences.append(make("p", { class: "raised" }, make("b", { "aria-hidden": "true" }, "! "), sentence));
      if (!raised.length) {
        const calm = all.map(({ sentence }) => make("p", {}, sentence));
        sentences.append(
          make("details", {}, make("summary", {}, "No sign that the attack is weaker than it looks."), ...calm),
        );
      }
      item.append(sentences);
      list.append(item);
    });
    return make(
      "section",
      {},
      make(
        "h4",
        { title: "Signs that an attack on a model fails for want of searching well, not because the model is stable" },
        "Can the attack be trusted?",
      ),
      list,
    );
  }

  return { update, hide: end };
}
