// The tab "Weak spots": of all distortions, the least that breaks the baseline, and the least that tells the models
// apart. One distortion is searched after the other, so that what was found stands there while the search goes on.

import { dot, make, makeEdges } from "../../shared/dom.js";
import { measured, plain } from "../../shared/format.js";
import { titleOf } from "./titles.js";

const BUSY_MS = 300; // nothing moves before that
const HELP = {
  title: "Choose a row to see it: its distortion is put on.",
  share: "The smallest amount that does it, and how far along the slider that is from its mild end.",
  severity:
    "On the published scale of ImageNet-C: 1 mild to 5 strong, a + beyond it. Where nothing is published, a dash.",
  l2: "How far the picture is from the clean one: the root of the summed squared differences of all values, √Σ(x′ − x)². Weak spots are ranked by it.",
  psnr: "Peak signal-to-noise ratio, 10 log₁₀(1 / mean squared difference), in decibels: the higher, the closer to the clean picture.",
  ssim: "Structural similarity: 1 is the same picture.",
};

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
  const said = make("p", { class: "said", role: "status" });
  const table = make("table");
  const scroll = make("div", { class: "scroll" }, table);
  const result = makeEdges(scroll);
  result.hidden = true;
  element.append(make("div", { class: "asking" }, goals.break, goals.separate, among, topLabel), work, said, result);

  let rows = []; // what was found, and the elements that show it
  let asked = null; // { key, goal, models, chain }: the question that the rows answer
  let running = null; // { names, at }
  let sorting = { by: "l2", down: false };
  let busy = 0;

  fillMenu();
  for (const goal of Object.keys(goals)) goals[goal].addEventListener("click", () => search(goal));
  stop.addEventListener("click", () => {
    const { at, names } = running;
    end();
    say(`Cancelled after ${at} of ${names.length}.`);
    goals[asked.goal].focus();
  });
  table.addEventListener("keydown", walk);
  say("A search takes from seconds to a minute or two; sliders go first meanwhile.");

  function fillMenu() {
    const known = Object.entries(catalogue.distortions);
    const option = ([name, { title }]) => make("option", { value: name }, title);
    const group = (label, adversarial) => {
      const all = make("optgroup", { label });
      all.append(...known.filter(([, kind]) => kind.adversarial === adversarial).map(option));
      return all;
    };
    among.append(
      make("option", { value: "all" }, "All distortions"),
      make("option", { value: "natural" }, "All but attacks"),
      group("One distortion", false),
      group("One attack", true),
    );
    const searched = (attack) =>
      known.filter(([, kind]) => kind.searched && kind.adversarial === attack).map(([name]) => name);
    const [attacks, others] = [searched(true), searched(false)];
    // Attacks take the longest: they come last.
    among.chosen = () => ({ all: [...others, ...attacks], natural: others })[among.value] ?? [among.value];
  }

  // What the rows depend on, apart from the chain, which is put on from here.
  const keyOf = ({ picture, models, recipe }) => JSON.stringify([picture, models, recipe.seed, recipe.quantised]);

  function update({ question }) {
    const single = question.models.length < 2;
    goals.separate.disabled = single;
    goals.separate.title = single
      ? "This needs two models; add another"
      : "For each distortion, the smallest amount at which some models have changed their answer and others hold";
    if (!asked) return;
    const stale = leftBehind(question);
    scroll.classList.toggle("stale", stale);
    for (const row of rows) {
      row.button.disabled = stale;
      row.button.setAttribute(
        "aria-pressed",
        String(!stale && JSON.stringify(row.steps) === JSON.stringify(question.recipe.steps)),
      );
    }
    table.caption.textContent = stale
      ? "These are of another picture, seed or other models; ask again."
      : captionOf(asked);
  }

  // A search ends where its picture or models have been left for others, also while its tab is closed.
  function leftBehind(question) {
    const stale = keyOf(question) !== asked.key;
    if (stale && running) {
      const { at, names } = running;
      end();
      say(`Stopped after ${at} of ${names.length}: the picture or the models are others now.`);
    }
    return stale;
  }

  // ---- searching --------------------------------------------------------------------------------------------------

  async function search(goal) {
    const { reference, ...question } = page.question(); // weak spots are those of the clean picture
    const { against, steps } = question.recipe;
    const chain = onTop.checked ? steps : [];
    const attacked = chain.some(([name]) => page.kind(name).adversarial);
    const state = { ...question, recipe: { ...question.recipe, steps: chain, against: attacked ? against : null } };
    const own = { names: among.chosen(), at: 0 };
    end();
    running = own;
    asked = { key: keyOf(question), goal, models: question.models, chain };
    rows = [];
    sorting = { by: "l2", down: false };
    for (const name of Object.keys(goals)) goals[name].setAttribute("aria-pressed", String(name === goal));
    drawHead();
    drawRows();
    say("");
    busy = setTimeout(() => {
      work.hidden = result.hidden = false;
    }, BUSY_MS);
    for (const name of own.names) {
      const { title } = page.kind(name);
      const progress = (done, total) => tell(own, title, total ? done / total : 0);
      progress(0, 1);
      const found = await jobs.run("weakness", { state, goal, distortion: name }, { key: "weakness", progress });
      if (running !== own || leftBehind(page.question())) return;
      if (!found?.steps) {
        end();
        return say(found?.error ?? "The search was ended.", true);
      }
      own.at += 1;
      rows.push(makeRow(found));
      drawRows();
    }
    end();
    say(summary());
  }

  function end() {
    clearTimeout(busy);
    if (running) jobs.cancel("weakness");
    running = null;
    work.hidden = true;
    result.hidden = !rows.length;
  }

  function tell({ at, names }, title, part) {
    where.textContent = `${title} · ${at + 1} of ${names.length}`;
    bar.style.transform = `scaleX(${(at + part) / names.length})`;
  }

  function say(sentence, error = false) {
    said.setAttribute("role", error ? "alert" : "status");
    said.textContent = sentence;
  }

  function summary() {
    const found = rows.filter((row) => row.amount !== null).sort((a, b) => a.values.l2 - b.values.l2);
    const goal =
      asked.goal === "break"
        ? ["breaks", "break", titleOf(page, asked.models[0])]
        : ["separates", "separate", "the models"];
    if (asked.chain.length && found.some((row) => row.share === 0))
      return `The distortions that are on already ${goal[1]} ${goal[2]} by themselves.`;
    if (rows.length === 1) {
      const [row] = rows;
      return row.amount === null
        ? `${row.title} never ${goal[0]} ${goal[2]} on this picture, up to the slider’s end.`
        : `${row.title} ${goal[0]} ${goal[2]} at ${row.shown}.`;
    }
    if (!found.length)
      return `None of these ${rows.length} distortions ${goal[0]} ${goal[2]} on this picture, up to the sliders’ ends.`;
    const part = `${found.length} of ${rows.length} distortions ${found.length === 1 ? goal[0] : goal[1]} ${goal[2]}`;
    return `${part}. The smallest change of the picture is by ${found[0].title}, ${found[0].shown}.`;
  }

  function captionOf({ goal, models, chain }) {
    const what =
      goal === "break"
        ? `The least that changes the answer of ${titleOf(page, models[0])}`
        : "The least that changes the answer of some models and not of others";
    const shown = ([name, amount]) =>
      `${page.kind(name).title} ${plain(amount * page.kind(name).factor, 3)} ${page.kind(name).symbol}`;
    return `${what}, ${chain.length ? `on top of ${chain.map(shown).join(", ")}` : "from the clean picture"}`;
  }

  // ---- the table --------------------------------------------------------------------------------------------------

  function columns() {
    const names = { title: "Distortion", share: "Amount", severity: "Severity", l2: "L2", psnr: "PSNR", ssim: "SSIM" };
    const fixed = Object.entries(names).map(([by, text]) => ({ by, text, help: HELP[by] }));
    const models = asked.models.map((name) => ({
      by: name,
      text: titleOf(page, name),
      method: page.method(name),
      help: `What ${titleOf(page, name)} answers at that amount, and where its own answer changes first`,
    }));
    return [...fixed, ...models];
  }

  function drawHead() {
    const cells = columns().map(({ by, text, method, help }) => {
      const button = make("button", { title: `${help} Click to sort.` }, text);
      if (method) button.prepend(dot());
      button.addEventListener("click", () => {
        sorting = { by, down: sorting.by === by && !sorting.down };
        drawRows();
      });
      const cell = make("th", { scope: "col", "data-by": by }, button);
      if (method) cell.dataset.method = method;
      return cell;
    });
    const head = make("thead", {}, make("tr", {}, ...cells));
    scroll.classList.toggle("many", asked.models.length > 3);
    table.replaceChildren(make("caption", {}, captionOf(asked)), head, make("tbody"));
  }

  function drawRows() {
    const { by, down } = sorting;
    const order = (a, b) => {
      const [x, y] = [a.values[by], b.values[by]];
      if (x === null || y === null) return (x === null) - (y === null); // what was not found stays at the end
      return (typeof x === "string" ? x.localeCompare(y) : x - y) * (down ? -1 : 1);
    };
    const focused = document.activeElement;
    rows.sort(order);
    table.tBodies[0].replaceChildren(...rows.map((row) => row.element));
    for (const cell of table.tHead.rows[0].cells) {
      if (cell.dataset.by === by) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    if (table.contains(focused)) focused.focus({ preventScroll: true }); // moving an element takes its focus away
  }

  function makeRow(found) {
    const { title, amount, share, severity, input, flip_points: points, flips, moved, predictions } = found;
    const shown = tidy(found.shown);
    const button = make("button", { "aria-pressed": "false" }, title);
    button.title =
      amount === null ? `Put on ${title} at the strongest amount that was tried` : `Put on ${title}, ${shown}`;
    const values = {
      title,
      share,
      severity,
      l2: input?.l2 ?? null,
      psnr: input?.psnr ?? (input ? Infinity : null),
      ssim: input?.ssim ?? null,
    };
    const nothing = () => make("td", { class: "none" }, "–");
    const cell = (text) => (text === null ? nothing() : make("td", {}, text));
    const much =
      amount === null
        ? make("td", { class: "none" }, "not found")
        : make("td", {}, shown, " ", make("small", {}, `${Math.round(100 * share)} %`));
    if (amount !== null) much.style.setProperty("--share", share.toFixed(3));
    much.classList.add("much");
    const strength = severity === null ? null : severity > 5 + 1e-9 ? "5+" : severity.toFixed(1);
    const psnr = input === null ? null : input.psnr === null ? "∞" : `${input.psnr.toFixed(1)} dB`;
    const ssim = input ? input.ssim.toFixed(3).replace("-", "−") : null;
    const far = cell(input && measured(input.l2));
    if (input) far.title = `PSNR ${psnr}, SSIM ${ssim}${strength === null ? "" : `, severity ${strength}`}`; // their columns are left out where it is narrow
    const line = make(
      "tr",
      {},
      make("th", { scope: "row" }, button),
      much,
      cell(strength),
      far,
      cell(psnr),
      cell(ssim),
    );
    for (const model of asked.models) {
      values[model] = points[model] === null ? null : along(found.distortion, points[model]);
      const point = flips[model] === null ? "holds throughout" : `flips at ${tidy(flips[model])}`;
      const own = make(
        "td",
        { "data-method": page.method(model), class: `model ${moved[model] ? "flipped" : "holds"}` },
        make("b", {}, `${moved[model] ? "◆" : "○"} ${predictions[model]}`),
        " ",
        make("small", {}, point),
      );
      line.append(own);
    }
    if (amount === null) line.classList.add("missing");
    const row = { ...found, shown, values, element: line, button };
    line.addEventListener("click", () => !button.disabled && put(row));
    return row;
  }

  // How far along its slider an amount lies, 0 to 1 from the mild end, so that different units can be compared.
  function along(name, amount) {
    const { low, high, identity, inverted } = page.range({ name });
    const strong = low < identity && identity < high ? (amount < identity ? low : high) : inverted ? low : high;
    return strong === identity ? 0 : Math.abs((amount - identity) / (strong - identity));
  }

  function put({ steps, against, title, shown }) {
    page.setSteps(
      steps.map(([name, amount]) => ({ name, amount, on: true })),
      { words: `${title} ${shown ?? "at its strongest"}`, against },
    );
  }

  // Up and down go from row to row.
  function walk(event) {
    const at = rows.findIndex((row) => row.button === event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    rows[to]?.button.focus();
  }

  return { update };
}

// An amount as the server tells it, for the screen: "σ = 0.04813" becomes "σ = 0.0481", "-29.71°" gets a true minus.
export function tidy(shown) {
  return shown?.replace(/-?\d+(\.\d+)?(e[-+]?\d+)?/g, (text) => plain(Number(text), 3));
}
