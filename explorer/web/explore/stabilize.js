// The window "Stabilize this model": which pictures, what they go through, what it costs. The training itself goes on while
// its window is closed; there is one at a time.

/** @import { AddedNetwork, Catalogue, Hurt, Jobs, Model, Notice, Page, Server, StabilizeQuestion, State } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { labelled, make, smallButton } from "../shared/dom.js";
import { count, counted, percent, rounded } from "../shared/format.js";
import { ask } from "../shared/server.js";
import { makeTraining } from "./training.js";

const REST_MS = 600;
const [FEWEST, MOST_OWN] = [10, 400]; // pictures of one's own
const USUAL = ["gaussian_noise", "jpeg", "thumbnail"]; // where nothing is on screen
const LAYERS = {
  head: "The last linear layer, on stored features: minutes, and a small gain.",
  last: "The last quarter of the layers: most of the gain for less time.",
  all: "Every layer: the largest gain, and the slowest.",
};
const LARGE = 96; // px from which the head alone is proposed

// `added(found, start)` puts the new model beside the old.
/** @type {(parts: { page: Page; jobs: Jobs; notice: Notice; catalogue: Catalogue; server: Server; card: (name: string) => Model | undefined; added: (found: AddedNetwork, start: string) => void }) => { open: (name: string) => void }} */
export function makeStabilize({ page, jobs, notice, catalogue, server, card, added }) {
  const training = makeTraining({ jobs, notice, added });
  /** @type {string[]} */
  const own = []; // tokens of the pictures that were brought for this

  /** @type {(name: string) => void} */
  function open(name) {
    const model = card(name);
    if (training.show() || !model) return;
    const form = makeForm({ catalogue, state: page.state(), model, own, choose, propose });
    const message = make("div", { class: "f-report", role: "status" });
    const begin = smallButton("Start", null, start);
    begin.classList.add("strong");
    begin.disabled = true;
    const dialog = openDialog(
      `Stabilize ${page.title(name)}`,
      make(
        "p",
        { class: "soft" },
        "A copy learns to keep its answers when your pictures are distorted; no labels are needed. The model itself stays as it is.",
      ),
      form.element,
      message,
      make("div", { class: "turn" }, begin),
    );
    dialog.classList.add("f-window");
    /** @type {StabilizeQuestion | null} */
    let priced = null; // the question whose cost is shown
    let waiting = 0;
    dialog.addEventListener("input", () => {
      priced = null;
      begin.disabled = true;
      clearTimeout(waiting);
      waiting = setTimeout(price, REST_MS);
    });
    dialog.addEventListener("close", () => {
      clearTimeout(waiting);
      jobs.cancel("stabilize-cost");
    });
    void price();

    // Pictures of the visitor's own, which go to the server one by one and are not kept there for long.
    /** @type {(files: File[]) => Promise<void>} */
    async function choose(files) {
      const refused = [];
      for (const [i, file] of files.slice(0, MOST_OWN).entries()) {
        if (!dialog.open) return;
        tell(`Sending picture ${i + 1} of ${files.length} …`);
        const found = await ask(server, "open_picture", { binary: true, data: { file } });
        if (found.token) own.push(found.token);
        else refused.push(found.error);
      }
      own.splice(0, own.length - MOST_OWN);
      form.showOwn();
      await price();
      if (refused.length)
        notice.show(`${counted(refused.length, "picture")} could not be read: ${refused[0]}`, { error: true });
    }

    // Every distortion is tried on some of the pictures; those that change most answers are filled in.
    async function propose() {
      const { model, data, pictures, limit } = form.read();
      tell("Trying every distortion on some of these pictures …");
      const found = await jobs.run("stabilize_proposal", { model, data, pictures, limit }, { key: "stabilize-cost" });
      if (!found || !dialog.open) return;
      if (found.error) return tell(found.error, true);
      if (!found.hurts.length) return tell("Nothing that was tried changes more than a twentieth of these answers.");
      form.fill(found.hurts);
      /** @type {Hurt[]} */
      const hurts = found.hurts;
      const worst = hurts.map(({ name, flips }) => `${catalogue.distortions[name].title} ${percent(flips)}`);
      notice.show(`Answers that flip, of ${count(hurts[0].n)}: ${worst.join(", ")}.`);
      await price();
    }

    function start() {
      if (!priced) return;
      dialog.close();
      training.start(priced, page.title(name));
    }

    async function price() {
      const question = form.read();
      tell("Looking at the model and the pictures …");
      const found = await jobs.run("stabilize_cost", question, { key: "stabilize-cost" });
      if (!found || JSON.stringify(question) !== JSON.stringify(form.read())) return; // a newer one is on its way
      if (found.error) {
        if (found.gone) own.length = 0;
        return tell(found.error, true);
      }
      priced = question;
      begin.disabled = false;
      tell(
        `About ${time(found.seconds)} of work: ${count(found.weights)} weights are trained on ${counted(found.train, "picture")}; ` +
          `${count(found.watched)} others are watched, and the report is about ${count(found.reported)} more. ` +
          `The result is called “${found.name}” and written to ${found.folder}.`,
      );
    }

    /** @type {(sentence: string, alert?: boolean) => void} */
    function tell(sentence, alert = false) {
      message.setAttribute("role", alert ? "alert" : "status");
      message.textContent = sentence;
    }
  }

  return { open };
}

// The choices, filled in from what is on screen.
/** @type {(parts: { catalogue: Catalogue; state: State; model: Model; own: string[]; choose: (files: File[]) => void; propose: () => void }) => { element: HTMLElement; read: () => StabilizeQuestion; fill: (hurts: Hurt[]) => void; showOwn: () => void }} */
function makeForm({ catalogue, state, model, own, choose, propose }) {
  const here = catalogue.datasets.filter((one) => one.here);
  const data = make(
    "select",
    { class: "small-button", "aria-label": "Pictures" },
    ...here.map(({ name, title, rows }) => make("option", { value: name }, `${title} (${count(rows)})`)),
  );
  const trainedOn = catalogue.families.find(({ key }) => key === state.family)?.data ?? [];
  const shown = here.find(({ name }) => name === state.picture.dataset);
  const fits = shown ?? here.find(({ name }) => trainedOn.includes(name)) ?? here[0];
  if (fits) data.value = fits.name;
  const yours = make("option", { value: "" }); // no data set has an empty name
  const files = make("input", { type: "file", accept: "image/*", multiple: true, class: "hidden-input" });
  const help = `${FEWEST} or more files of this machine, in place of a data set`;
  const bring = make("label", { class: "small-button", title: help }, "Choose files", files);
  files.addEventListener("change", () => {
    const chosen = [...(files.files ?? [])];
    files.value = "";
    if (chosen.length) choose(chosen);
  });
  if (own.length) showOwn();
  const most = number("Pictures at most", 1000, { min: 10, max: 10000, step: 1 });
  const keep = number("Clean answers to keep, in per cent", 99, { min: 0, max: 100, step: "any" });
  const minutes = number("Minutes", model.size < LARGE ? 2 : 10, { min: 0, max: 240, step: "any" });
  const control = make("input", { type: "checkbox", checked: true });
  const layers = make("div", { class: "f-checks s-layers", role: "radiogroup", "aria-label": "Layers" });
  const proposed = model.size < LARGE ? "all" : "head";
  for (const [name, help] of Object.entries(LAYERS)) {
    const check = make("input", { type: "radio", name: "stabilize-layers", value: name, checked: name === proposed });
    layers.append(make("label", {}, check, make("b", {}, name), make("small", {}, help)));
  }
  layers.addEventListener("input", fit);
  const rows = make("div", { class: "f-distortions", role: "group", "aria-label": "What hurts" });
  const chain = state.steps.filter(({ on, name }) => on && !catalogue.distortions[name].adversarial);
  const named = new Map(chain.map(({ name, amount }) => [name, amount]));
  const chosen = named.size ? [...named.keys()] : USUAL;
  const all = Object.keys(catalogue.distortions).filter((name) => !catalogue.distortions[name].adversarial);
  const fields = [...chosen, ...all.filter((name) => !chosen.includes(name))].map(makeRow);
  fit();
  const element = make(
    "div",
    { class: "f-new" },
    make("div", {}, make("span", {}, "Pictures"), make("div", { class: "s-pictures" }, data, bring)),
    labelled("Pictures at most", most),
    labelled("Clean answers to keep, in per cent", keep),
    make(
      "div",
      { class: "f-field" },
      make("span", {}, "What hurts: amounts are drawn between the two, in each distortion's own unit"),
      rows,
      make(
        "div",
        {},
        smallButton("Find what hurts", "Try every distortion on some of these pictures; keep the worst", propose),
      ),
    ),
    make("div", { class: "f-field" }, make("span", {}, "Layers"), layers),
    labelled("Minutes of training", minutes),
    make(
      "div",
      { class: "f-checks s-control" },
      make("label", {}, control, "Train plain noise augmentation as long, to compare with"),
    ),
  );
  return { element, read, fill, showOwn };

  /** @type {(hurts: Hurt[]) => void} */
  function fill(hurts) {
    for (const field of fields) field.set(hurts.find(({ name }) => name === field.name));
    rows.scrollTop = 0;
    rows.prepend(...hurts.flatMap(({ name }) => fields.filter((field) => field.name === name).map(({ row }) => row)));
  }

  function showOwn() {
    yours.textContent = `Your pictures (${count(own.length)})`;
    data.append(yours);
    data.value = "";
  }

  // The head alone takes as long as it takes: it passes over stored features.
  function fit() {
    minutes.disabled = layersChosen() === "head";
  }

  function layersChosen() {
    return /** @type {HTMLInputElement} */ (layers.querySelector(":checked")).value;
  }

  /** @type {(name: string) => { name: string; row: HTMLElement; set: (hurt?: Hurt) => void; read: () => [string, number, number] | null }} */
  function makeRow(name) {
    const { title, unit, factor, help } = catalogue.distortions[name];
    const check = make("input", { type: "checkbox", value: name, checked: chosen.includes(name) });
    const ends = rangeOf(name).map((amount, i) =>
      number(`${title}, ${i ? "to" : "from"}`, rounded(amount * factor), { step: "any" }),
    );
    const enable = () => {
      for (const field of ends) field.disabled = !check.checked;
    };
    check.addEventListener("change", enable);
    enable();
    const label = make("label", {}, check, title, make("small", {}, unit));
    const row = make("div", { class: "s-range", title: help }, label, ...ends);
    rows.append(row);
    return {
      name,
      row,
      set: (hurt) => {
        check.checked = !!hurt;
        if (hurt)
          for (const [i, amount] of [hurt.low, hurt.high].entries()) ends[i].value = String(rounded(amount * factor));
        enable();
      },
      read: () => {
        const [low, high] = ends.map((field) => field.valueAsNumber / factor);
        return check.checked ? [name, low, high] : null;
      },
    };
  }

  // Up to what is on screen; else what pictures of this size go through in practice.
  /** @type {(name: string) => [number, number]} */
  function rangeOf(name) {
    const { amounts, identity } = catalogue.distortions[name].sides[model.size];
    const amount = named.get(name);
    if (amount !== undefined) return [identity, amount];
    /** @type {Record<string, [number, number]>} */
    const usual = {
      gaussian_noise: [0, 0.2],
      jpeg: [60, 10],
      thumbnail: [Math.round(0.7 * model.size), Math.round(0.3 * model.size)],
    };
    return usual[name] ?? [amounts[0], amounts[2]];
  }

  /** @type {() => StabilizeQuestion} */
  function read() {
    return {
      model: model.name,
      data: data.value || null,
      pictures: data.value ? null : [...own],
      under: fields.flatMap((field) => {
        const range = field.read();
        return range ? [range] : [];
      }),
      layers: layersChosen(),
      keep: keep.valueAsNumber / 100,
      minutes: minutes.valueAsNumber,
      limit: most.valueAsNumber,
      control: control.checked,
    };
  }
}

/** @type {(label: string, value: number, limits: Record<string, string | number>) => HTMLInputElement} */
function number(label, value, limits) {
  return make("input", { type: "number", "aria-label": label, value, ...limits });
}

/** @type {(seconds: number) => string} */
function time(seconds) {
  return seconds < 90 ? counted(Math.max(1, Math.round(seconds)), "second") : `${(seconds / 60).toFixed(1)} minutes`;
}
