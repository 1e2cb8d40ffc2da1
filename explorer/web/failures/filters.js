// The column of filters beside the cases.

/** @import { Filters, World } from "../types.d.ts" */

import { labelled, make, smallButton, smallMenu } from "../shared/dom.js";
import { NO_FILTERS, SIDES } from "./address.js";

/** @type {(parts: { world: World }) => { element: HTMLElement; fit: () => void; paint: () => void }} */
export function makeFailureFilters({ world }) {
  const { chosen } = world;
  const element = make("div", { class: "f-filters", role: "group", "aria-label": "Filters" });
  /** @type {(label: string, help: string, read: (value: string | null) => Partial<Filters>) => HTMLSelectElement} */
  const select = (label, help, read) => {
    const made = smallMenu(label, help);
    made.addEventListener("change", () => world.filter(read(made.value || null)));
    element.append(labelled(label, made));
    return made;
  };
  /** @type {(label: string, help: string, key: "low" | "high") => HTMLInputElement} */
  const number = (label, help, key) => {
    const made = make("input", {
      type: "number",
      min: -1,
      max: 1,
      step: 0.1,
      "aria-label": label,
      title: help,
      placeholder: key === "low" ? "−1" : "1",
    });
    made.addEventListener("change", () =>
      world.filter({
        [key]: made.value.trim() === "" || !Number.isFinite(made.valueAsNumber) ? null : made.valueAsNumber,
      }),
    );
    return made;
  };
  const label = select("True class", "Only pictures of this class", (value) => ({ label: value }));
  const distortion = select("Distortion", "Only cases of this distortion", (value) => ({
    distortion: value,
    amount: null,
  }));
  const amount = select("Amount", "Only cases with this amount", (value) => ({
    amount: value === null ? null : Number(value),
  }));
  const annotation = select("Annotations", "Only cases with a star, a tag or a note", (value) => ({
    annotation: value,
  }));
  element.append(make("h2", {}, "Read of one model"));
  const model = select("Model", "The model that the filters below, and sorting by its numbers, are about", (value) => ({
    model: value ?? "baseline",
  }));
  const was = select("Clean answer", "What the model calls the clean picture", (value) => ({ was: value }));
  const now = select("Answer", "What the model calls the distorted picture", (value) => ({ now: value }));
  const flipped = select("Flipped", "Whether the answer is another than to the clean picture", (value) => ({
    flipped: value === null ? null : value === "yes",
  }));
  const [low, high] = [
    number(
      "Margin from",
      "Probability of the true class minus the largest other one: below 0 the answer is wrong",
      "low",
    ),
    number("Margin to", "Near 0 lie the near misses", "high"),
  ];
  element.append(
    make(
      "div",
      { class: "f-range", role: "group", "aria-label": "Margin" },
      make(
        "span",
        { title: "Probability of the true class minus the largest other one: below 0 the answer is wrong" },
        "Margin",
      ),
      low,
      "to",
      high,
    ),
  );
  const picked = smallButton("", "Show the others again", () => world.filter({ cases: null }));
  const reset = smallButton("Reset filters", "Take all filters off", () => world.filter({ ...NO_FILTERS }));
  element.append(make("div", { class: "f-foot" }, picked, reset));

  /** @type {(menu: HTMLSelectElement, all: string, options: [key: string, text: string][], value: string | null) => void} */
  const fill = (menu, all, options, value) => {
    menu.replaceChildren(
      make("option", { value: "" }, all),
      ...options.map(([key, text]) => make("option", { value: key }, text)),
    );
    menu.value = value ?? "";
    menu.toggleAttribute("data-on", value !== null && value !== undefined);
  };

  // Another survey: its own classes and distortions.
  function fit() {
    for (const part of [label, low, high]) part.disabled = !world.survey().labelled && part === label;
    paint();
  }

  function paint() {
    const survey = world.survey();
    if (!survey) return;
    const { filters } = chosen;
    /** @type {[string, string][]} */
    const classes = survey.classes.map((name) => [name, name]);
    fill(label, survey.labelled ? "Any" : "Not known", classes, filters.label);
    fill(
      distortion,
      "Any",
      survey.distortions.map(({ name, title }) => [name, title]),
      filters.distortion,
    );
    const amounts = filters.distortion ? (world.distortion(filters.distortion)?.amounts ?? []) : [];
    fill(
      amount,
      filters.distortion ? "Any" : "Choose a distortion",
      amounts.map((one) => [String(one), world.amountText(filters.distortion ?? "", one)]),
      filters.amount === null ? null : String(filters.amount),
    );
    amount.disabled = !amounts.length;
    const tags = [...new Set(Object.values(world.annotations()).flatMap(({ tags }) => tags))].sort();
    /** @type {[string, string][]} */
    const choices = [
      ["star", "Starred"],
      ["note", "With a note"],
    ];
    for (const tag of tags) choices.push([`tag:${tag}`, `Tag: ${tag}`]);
    if (filters.annotation && !choices.some(([key]) => key === filters.annotation))
      choices.push([filters.annotation, filters.annotation]);
    fill(annotation, "Any", choices, filters.annotation);
    model.replaceChildren(...SIDES.map((which) => make("option", { value: which }, world.nameOf(world.side(which)))));
    model.value = filters.model;
    fill(was, "Any", classes, filters.was);
    fill(now, "Any", classes, filters.now);
    fill(
      flipped,
      "Either",
      [
        ["yes", "Flipped"],
        ["no", "Same answer"],
      ],
      filters.flipped === null ? null : filters.flipped ? "yes" : "no",
    );
    low.value = String(filters.low ?? "");
    high.value = String(filters.high ?? "");
    low.toggleAttribute("data-on", filters.low !== null);
    high.toggleAttribute("data-on", filters.high !== null);
    picked.hidden = !filters.cases;
    picked.textContent = filters.cases ? `${filters.cases.length} picked on the map ×` : "";
    reset.disabled = JSON.stringify({ ...NO_FILTERS, ...filters }) === JSON.stringify(NO_FILTERS);
  }

  return { element, fit, paint };
}
