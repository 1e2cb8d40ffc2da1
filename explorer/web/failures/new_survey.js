// The window "New survey": what to ask, what it will take, then the run with how far it is and a way to stop it.

/** @import { Distortion, Family, SurveyParts } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { labelled, make, smallButton } from "../shared/dom.js";
import { count, counted, plain } from "../shared/format.js";

const FIRST = ["gaussian_noise", "jpeg"]; // where nothing is on screen
const REST_MS = 600;

/** @type {(parts: SurveyParts) => void} */
export function openNewSurvey({ notice, jobs, catalogue, state, ran }) {
  const families = catalogue.families;
  const shown = state(); // on the page Explore: what the window opens with
  const family = make(
    "select",
    { class: "small-button", "aria-label": "Trained on" },
    ...families.map(({ key, title }) => make("option", { value: key }, title)),
  );
  const models = make("div", { class: "f-checks", role: "group", "aria-label": "Models" });
  const data = make("select", { class: "small-button", "aria-label": "Data set" });
  const limit = make("input", {
    type: "number",
    min: 1,
    step: 1,
    value: 500,
    "aria-label": "Images at most",
    title: "Of a folder a sample with every class, of a benchmark the first ones; empty takes all",
  });
  const seeds = make("input", {
    type: "text",
    value: "0",
    "aria-label": "Seeds",
    title: "Whole numbers separated by commas: random distortions are drawn with each",
  });
  const rows = make("div", { class: "f-distortions", role: "group", "aria-label": "Distortions" });
  const message = make("div", { class: "f-report", role: "status" });
  const begin = make("button", { class: "small-button strong", disabled: true }, "Start");
  const dialog = openDialog(
    "New survey",
    make(
      "div",
      { class: "f-new" },
      labelled("Trained on", family),
      make("div", { class: "f-field" }, make("span", {}, "Models, the baseline first"), models),
      labelled("Data set", data),
      labelled("Images at most", limit),
      labelled("Seeds", seeds),
      make(
        "div",
        { class: "f-field" },
        make("span", {}, "Distortions; other amounts, separated by commas, in place of those shown"),
        rows,
      ),
    ),
    message,
    make("div", { class: "turn" }, begin),
  );
  dialog.classList.add("f-window");
  /** @type {object | null} */
  let priced = null; // the question whose cost is shown
  let waiting = 0;

  const chain = shown.steps.filter(({ on }) => on);
  /** @type {{ name: string; field: HTMLInputElement }[]} */
  const fields = [];
  for (const [group, members] of byFamily(catalogue.distortions)) {
    rows.append(make("h4", {}, group));
    for (const [name, distortion] of members) {
      const check = make("input", { type: "checkbox", value: name });
      const amounts = make("input", { type: "text", "aria-label": `Amounts of ${distortion.title}` });
      check.checked = chain.length ? chain.some((step) => step.name === name) : FIRST.includes(name);
      amounts.disabled = !check.checked;
      check.addEventListener("change", () => (amounts.disabled = !check.checked));
      fields.push({ name, field: amounts });
      rows.append(make("div", { title: distortion.help }, make("label", {}, check, distortion.title), amounts));
    }
  }
  // Models of which no images are here, as at the first visit those for photographs, give way to some that can be asked.
  const sets = catalogue.datasets.filter(({ here }) => here); // without classes: against each model's clean answers
  /** @type {(one: Family | undefined) => boolean} */
  const asks = (one) => sets.some(({ name, classes }) => !classes.length || one?.data.includes(name));
  const now = families.find(({ key }) => key === shown.family);
  const stays = asks(now) || catalogue.first.named || shown.picture.dataset;
  family.value = (stays ? now : families.find(asks))?.key ?? shown.family;
  family.addEventListener("change", fit);
  dialog.addEventListener("input", priceSoon);
  dialog.addEventListener("close", () => {
    clearTimeout(waiting);
    jobs.cancel("survey-cost");
  });
  begin.addEventListener("click", () => {
    if (!priced) return;
    dialog.close();
    runSurvey({ notice, jobs, question: priced, title: "New survey", ran });
  });
  fit();
  void price();

  // Another choice: what it takes is asked once the hand rests.
  function priceSoon() {
    priced = null;
    begin.disabled = true;
    clearTimeout(waiting);
    waiting = setTimeout(price, REST_MS);
  }

  function fit() {
    const chosen = /** @type {Family} */ (families.find(({ key }) => key === family.value));
    const asked = chosen.key === shown.family ? shown.models : chosen.defaults; // the baseline first
    const rest = chosen.models.filter(({ name }) => !asked.includes(name));
    const first = asked.flatMap((name) => chosen.models.filter((model) => model.name === name));
    models.replaceChildren(
      ...[...first, ...rest].map(({ name, title, subtitle, help }) => {
        const check = make("input", { type: "checkbox", value: name });
        check.checked = asked.includes(name);
        return make("label", { title: `${name}: ${help}` }, check, [title, subtitle].filter(Boolean).join(" · "));
      }),
    );
    const trainedOn = sets.filter(({ name }) => chosen.data.includes(name));
    data.replaceChildren(
      ...[...trainedOn, ...sets.filter((one) => !trainedOn.includes(one))].map(({ name, title }) =>
        make("option", { value: name }, title),
      ),
    );
    const open = shown.picture.dataset;
    if (open && sets.some(({ name }) => name === open)) data.value = open;
    for (const { name, field } of fields) propose(field, name, chosen.size);
    if (!sets.length) tell("No data set is here; fetch one in Explore, under Data set.", true);
  }

  // The amounts that a survey takes by itself; written out where the chain on screen has one more.
  /** @type {(field: HTMLInputElement, name: string, side: number) => void} */
  function propose(field, name, side) {
    const { factor, unit, sides } = catalogue.distortions[name];
    const usual = sides[side].amounts;
    const here = chain.filter((step) => step.name === name).map(({ amount }) => amount);
    const more = here.filter((amount) => !usual.some((one) => Math.abs(one - amount) < 1e-9));
    /** @type {(values: number[]) => string} */
    const written = (values) => values.map((value) => plain(value * factor)).join(", ");
    const proposed = more.length ? written([...usual, ...more].sort((a, b) => a - b)) : "";
    if (field.value === (field.dataset.proposed ?? "")) field.value = proposed; // what was typed stays
    field.dataset.proposed = proposed;
    field.placeholder = written(usual);
    field.title = `${unit}; numbers separated by commas. Empty: ${written(usual)}`;
  }

  function read() {
    /** @type {(text: string) => number[]} */
    const numbers = (text) =>
      text
        .split(/[,;\s]+/)
        .filter(Boolean)
        .map((part) => Number(part.replace("−", "-")));
    const both = [...rows.querySelectorAll("div")].map((row) => [...row.querySelectorAll("input")]);
    const checked = both.filter(([check]) => check.checked);
    const distortions = checked.map(([check, amounts]) => {
      const found = numbers(amounts.value);
      const { factor } = catalogue.distortions[check.value];
      return [check.value, found.length ? found.map((amount) => amount / factor) : null];
    });
    return {
      models: [...models.querySelectorAll("input")].flatMap(({ checked, value }) => (checked ? [value] : [])),
      data: data.value,
      distortions,
      seeds: numbers(seeds.value),
      limit: limit.value.trim() ? limit.valueAsNumber : null,
    };
  }

  async function price() {
    const question = read();
    tell("Trying a few images …");
    const found = await jobs.run("survey_cost", question, { key: "survey-cost" });
    if (!found || JSON.stringify(question) !== JSON.stringify(read())) return; // a newer question is on its way
    if (found.error) return tell(found.error, true);
    priced = question;
    begin.disabled = false;
    begin.textContent = found.done ? (found.done < found.images ? "Go on" : "Open") : "Start";
    const minutes =
      found.seconds < 90
        ? counted(Math.max(1, Math.round(found.seconds)), "second")
        : `${(found.seconds / 60).toFixed(1)} minutes`;
    const before = found.done ? ` ${count(found.done)} of ${count(found.images)} images are finished already.` : "";
    tell(
      `${counted(found.rows, "row")} (${counted(found.images, "image")}, ${counted(found.conditions, "condition")}), about ${(found.bytes / 1e6).toFixed(1)} MB and ${minutes} of work.${before} Written to ${found.folder}.${found.notes.map((/** @type {string} */ note) => ` ${note}`).join("")}`,
    );
  }

  /** @type {(sentence: string, alert?: boolean) => void} */
  function tell(sentence, alert = false) {
    message.setAttribute("role", alert ? "alert" : "status");
    message.textContent = sentence;
  }
}

// Distortions in the order of their families, those of a family together.
/** @type {(distortions: Record<string, Distortion>) => Map<string, [string, Distortion][]>} */
function byFamily(distortions) {
  /** @type {Map<string, [string, Distortion][]>} */
  const groups = new Map();
  for (const entry of Object.entries(distortions)) {
    groups.set(entry[1].family, [...(groups.get(entry[1].family) ?? []), entry]);
  }
  return groups;
}

// The run in a window: it says how far it is; closing the window or the page stops it, and what is finished stays.
/** @type {(parts: Omit<SurveyParts, "catalogue" | "state"> & { question: object & { survey?: string | null }; title: string }) => Promise<void>} */
export async function runSurvey({ notice, jobs, question, title, ran }) {
  const bar = make("progress", { "aria-label": "How far the survey is", max: 1 });
  const far = make("small", { role: "status" }, "Loading models and data …");
  const stop = smallButton("Cancel", "Stop; what is finished stays, and can be gone on with", () => dialog.close());
  const dialog = openDialog(
    title,
    make(
      "p",
      {},
      "Keep this page open while it runs. Finished parts are kept; starting the same survey again continues from there.",
    ),
    bar,
    make("div", { class: "turn" }, far, stop),
  );
  dialog.classList.add("f-window");
  let over = false;
  dialog.addEventListener("close", () => {
    if (over) return;
    over = true;
    jobs.cancel("survey-run");
    notice.show("The survey was stopped; what is finished stays. Start the same one again to go on.");
    ran(question.survey ?? null);
  });
  const began = performance.now();
  let first = null;
  const found = await jobs.run("survey_run", question, {
    key: "survey-run",
    progress: (done, total) => {
      if (!total) return;
      first ??= { done, at: performance.now() };
      bar.max = total;
      bar.value = done;
      const left = done > first.done ? ((performance.now() - first.at) / (done - first.done)) * (total - done) : 0;
      const words =
        left > 90_000
          ? `, about ${Math.ceil(left / 60_000)} minutes left`
          : left
            ? `, about ${Math.ceil(left / 1000)} seconds left`
            : "";
      far.textContent = `${count(done)} of ${count(total)} answers${words}`;
    },
  });
  if (over) return;
  over = true;
  dialog.close();
  if (!found || found.error) notice.show(found?.error ?? "The survey ended before it was finished.", { error: true });
  else
    notice.show(
      `The survey is finished (${counted(Math.max(1, Math.round((performance.now() - began) / 1000)), "second")}).${found.unread ? ` ${counted(found.unread, "image")} could not be read.` : ""}`,
    );
  ran(found?.survey ?? question.survey ?? null);
}
