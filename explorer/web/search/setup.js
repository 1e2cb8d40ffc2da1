// The window "What to search": which pictures, which models, and which distortions copies are made by.

/** @import { Catalogue, DataSet, Family, Notice, Server, State } from "../types.d.ts" */
/** @import { Amount, OwnPictures, SearchChosen, SearchSetup } from "./types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { labelled, make, smallButton } from "../shared/dom.js";
import { count, counted, rounded } from "../shared/format.js";
import { ask } from "../shared/server.js";

const [FEWEST, MOST_OWN, MOST] = [2, 60, 2000];
const LARGE = 96; // px of an input from which pictures are photographs
const SAMPLES = "samples";

// What is searched where nobody has chosen yet: the data set on the page Explore or of its models, else any that is here.
/** @type {(catalogue: Catalogue, state: State, chosen: SearchChosen) => SearchSetup} */
export function usualSetup(catalogue, state, chosen) {
  const families = catalogue.families;
  const named = chosen.by?.filter((name) => families.some((one) => one.models.some((model) => model.name === name)));
  const here = catalogue.datasets.filter((one) => one.here);
  const own = here.find(({ name }) => name === state.picture.dataset);
  /** @type {(one: Family) => DataSet | undefined} */
  const trainedOn = (one) => here.find(({ name }) => one.data.includes(name));
  const onScreen = families.find(({ key }) => key === state.family);
  const family =
    families.find((one) => one.models.some(({ name }) => named?.includes(name))) ??
    (onScreen && (own || chosen.within || trainedOn(onScreen)) ? onScreen : families.find(trainedOn)) ?? // with pictures
    families[0];
  const learned = named?.filter((name) => family.models.some((model) => model.name === name)) ?? [];
  const measures = catalogue.measures.filter(({ here }) => here).map(({ name }) => name);
  const asked = chosen.by?.filter((name) => measures.includes(name));
  const shown = state.models.filter((name) => family.models.some((model) => model.name === name)).slice(0, 2);
  const models = learned.length || asked?.length ? learned : shown.length > 1 ? shown : family.defaults.slice(0, 2);
  const within =
    here.find(({ name }) => name === chosen.within) ?? (family === onScreen ? own : null) ?? trainedOn(family);
  const large = family.size >= LARGE;
  return {
    question: {
      ...(within && chosen.within !== SAMPLES ? { dataset: within.name } : { samples: true }),
      models: [...models, ...(asked ?? measures.filter((name) => ["pixels", "phash"].includes(name)))],
      limit: chosen.most ?? (large ? 100 : 200),
    },
    under: chosen.under?.filter(([name]) => catalogue.distortions[name]) ?? usualUnder(catalogue, family.size),
    files: [],
  };
}

// Those of Zheng et al., so strong that models differ on a few hundred pictures.
/** @type {(catalogue: Catalogue, side: number) => Amount[]} */
function usualUnder({ distortions }, side) {
  const large = side >= LARGE;
  /** @type {Amount[]} */
  const published = [
    ["thumbnail", large ? 32 : Math.round(0.45 * side)],
    ["jpeg", large ? 5 : 20],
    ["crop", large ? 80 : Math.round(side / 14)],
  ];
  return published.filter(([name]) => distortions[name]);
}

// `own`: pictures that were brought before; `done(setup)` is called when the window is closed by its button.
/** @type {(parts: { catalogue: Catalogue; server: Server; notice: Notice; setup: SearchSetup; own: OwnPictures; done: (setup: SearchSetup) => void }) => void} */
export function openSetup({ catalogue, server, notice, setup, own, done }) {
  const here = catalogue.datasets.filter((one) => one.here);
  const data = make(
    "select",
    { class: "small-button", "aria-label": "Pictures" },
    ...here.map(({ name, title, rows }) => make("option", { value: `d:${name}` }, `${title} (${count(rows)})`)),
    make("option", { value: SAMPLES }, counted(catalogue.samples.length, "sample photograph")),
  );
  const yours = make("option", { value: "own" });
  const files = make("input", { type: "file", accept: "image/*", multiple: true, class: "hidden-input" });
  const help = `${FEWEST} to ${MOST_OWN} files of this machine; a whole folder is opened with: explorer app --data FOLDER`;
  const bring = make("label", { class: "small-button", title: help }, "Choose files", files);
  const limit = make("input", {
    ...{ type: "number", min: FEWEST, max: MOST, step: 1, value: setup.question.limit },
    ...{ "aria-label": "Pictures at most", title: "Every picture is compared with the copies of all" },
  });
  const family = make(
    "select",
    { class: "small-button", "aria-label": "Trained on" },
    ...catalogue.families.map(({ key, title }) => make("option", { value: key }, title)),
  );
  const models = make("div", { class: "f-checks", role: "group", "aria-label": "Models" });
  const measures = make("div", { class: "f-checks", role: "group", "aria-label": "Measures without learning" });
  const rows = make("div", { class: "f-distortions", role: "group", "aria-label": "Distortions" });
  const message = make("div", { class: "f-report", role: "status" });
  const begin = smallButton("Search", null, start);
  begin.classList.add("strong");
  const chosen = new Map(setup.under);
  const fields = makeRows();
  const dialog = openDialog(
    "What to search",
    make(
      "div",
      { class: "f-new" },
      make("div", {}, make("span", {}, "Pictures"), make("div", { class: "s-pictures" }, data, bring)),
      labelled("Pictures at most", limit),
      labelled("Networks trained on", family),
      make("div", { class: "f-field" }, make("span", {}, "Networks, by their last layer before the answer"), models),
      make("div", { class: "f-field" }, make("span", {}, "Measures without learning, to compare with"), measures),
      make("div", { class: "f-field" }, make("span", {}, "Copies are made by, each alone"), rows),
    ),
    message,
    make("div", { class: "turn" }, begin),
  );
  dialog.classList.add("f-window");
  files.addEventListener("change", () => {
    const picked = [...(files.files ?? [])];
    files.value = "";
    if (picked.length) void bringFiles(picked);
  });
  const asked = setup.question.models;
  const first = catalogue.families.find((one) => one.models.some(({ name }) => asked.includes(name)));
  family.value = (first ?? catalogue.families[0]).key;
  family.addEventListener("change", () => paintModels(false));
  for (const { name, title, here: installed } of catalogue.measures) {
    const check = make("input", { type: "checkbox", value: name, checked: asked.includes(name), disabled: !installed });
    const needs = installed ? null : "Its package is not installed; the documentation says which.";
    measures.append(make("label", { title: needs }, check, title));
  }
  paintModels(true);
  if (own.tokens.length) showOwn();
  const { dataset, tokens, samples } = setup.question;
  data.value = tokens ? "own" : samples ? SAMPLES : `d:${dataset}`;

  /** @type {(first: boolean) => void} */
  function paintModels(first) {
    const one = /** @type {Family} */ (catalogue.families.find(({ key }) => key === family.value));
    models.replaceChildren(
      ...one.models.map(({ name, title, subtitle, help: about }) => {
        const checked = first ? asked.includes(name) : one.defaults.slice(0, 2).includes(name);
        const check = make("input", { type: "checkbox", value: name, checked });
        return make("label", { title: `${name}: ${about}` }, check, [title, subtitle].filter(Boolean).join(" · "));
      }),
    );
    if (!first) for (const field of fields) field.fit(one.size);
  }

  function makeRows() {
    const side = catalogue.families.find((one) => one.models.some(({ name }) => setup.question.models.includes(name)));
    const usual = Object.keys(catalogue.distortions).filter((name) => !catalogue.distortions[name].adversarial);
    return [...chosen.keys(), ...usual.filter((name) => !chosen.has(name))].map((name) => {
      const { title, unit, factor, help: about, sides } = catalogue.distortions[name];
      const check = make("input", { type: "checkbox", value: name, checked: chosen.has(name) });
      const field = make("input", { type: "number", step: "any", "aria-label": `Amount of ${title}` });
      /** @type {(size: number) => void} */
      const fit = (size) => {
        const { amounts } = sides[size] ?? Object.values(sides)[0];
        field.value = String(rounded((chosen.get(name) ?? amounts[Math.min(2, amounts.length - 1)]) * factor));
      };
      const enable = () => {
        field.disabled = !check.checked;
      };
      check.addEventListener("change", enable);
      fit(side?.size ?? 32);
      enable();
      rows.append(
        make(
          "div",
          { class: "x-amount", title: about },
          make("label", {}, check, title, make("small", {}, unit)),
          field,
        ),
      );
      return { name, check, field, factor, fit };
    });
  }

  // Pictures of the visitor's own, which go to the server one by one and are not kept there for long.
  /** @type {(picked: File[]) => Promise<void>} */
  async function bringFiles(picked) {
    const refused = [];
    for (const [i, file] of picked.slice(0, MOST_OWN).entries()) {
      if (!dialog.open) return;
      tell(`Sending picture ${i + 1} of ${Math.min(picked.length, MOST_OWN)} …`);
      const found = await ask(server, "open_picture", { binary: true, data: { file } });
      if (found.token) {
        own.tokens.push(found.token);
        own.files.push(file.name);
      } else refused.push(found.error);
    }
    for (const list of [own.tokens, own.files]) list.splice(0, list.length - MOST_OWN);
    showOwn();
    tell(picked.length > MOST_OWN ? `The first ${MOST_OWN} were taken: ${help}.` : "");
    if (refused.length)
      notice.show(`${counted(refused.length, "picture")} could not be read: ${refused[0]}`, { error: true });
  }

  function showOwn() {
    yours.textContent = `Your pictures (${count(own.tokens.length)})`;
    data.append(yours);
    data.value = "own";
  }

  function start() {
    const named = [models, measures].flatMap((group) => [...group.querySelectorAll("input")]);
    const by = named.flatMap(({ checked, value }) => (checked ? [value] : []));
    if (!by.length) return tell("Choose a model.", true);
    if (data.value === "own" && own.tokens.length < FEWEST) return tell(`Choose at least ${FEWEST} pictures.`, true);
    const within =
      data.value === "own"
        ? { tokens: [...own.tokens] }
        : data.value === SAMPLES
          ? { samples: true }
          : { dataset: data.value.slice(2) };
    dialog.close();
    done({
      question: { ...within, models: by, limit: limit.valueAsNumber },
      under: fields.flatMap(({ name, check, field, factor }) =>
        check.checked ? [/** @type {Amount} */ ([name, field.valueAsNumber / factor])] : [],
      ),
      files: data.value === "own" ? [...own.files] : [],
    });
  }

  /** @type {(sentence: string, alert?: boolean) => void} */
  function tell(sentence, alert = false) {
    message.setAttribute("role", alert ? "alert" : "status");
    message.textContent = sentence;
  }
}
