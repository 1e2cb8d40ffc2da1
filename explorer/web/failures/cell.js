// One case in the gallery: its picture, what is true, what the two models answered, and its annotation.

/** @import { Case, CaseAnswer, GalleryCell, Survey, World } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { dot, labelled, make } from "../shared/dom.js";
import { percent } from "../shared/format.js";
import { SIDES } from "./address.js";

// `focused(index)` is called when it gets the focus, `noted()` when the window of its note is closed.
/** @type {(parts: { item: Case; index: number; total: number; world: World; focused: (index: number) => void; noted: () => void }) => GalleryCell} */
export function makeCell({ item, index, total, world, focused, noted }) {
  const image = make("img", { alt: "", draggable: "false" });
  const answers = SIDES.map((which) => answerOf(item[which], world.side(which), world));
  const { title } = world.distortion(item.distortion);
  const amount = world.amountText(item.distortion, item.amount);
  const label = labelOf(item, answers.map(({ words }) => words).join("; "), `${title} ${amount}`, world.survey());
  const button = make(
    "button",
    { class: "case", "aria-label": `${label}Open in the live view`, title: label, "aria-keyshortcuts": "S N" },
    make("span", { class: "frame" }, image),
    make(
      "span",
      { class: "facts" },
      make("b", { class: "truth" }, item.label === null ? `row ${item.image}` : item.label),
      ...answers.map(({ node }) => node),
      make("small", {}, `${title}, ${amount}`),
    ),
  );
  button.tabIndex = -1;
  Object.assign(button.dataset, { case: item.case, index });
  button.addEventListener("click", () => world.open(item));
  button.addEventListener("focus", () => focused(index));
  const star = small("star", "Star", "Star this case (S)", "");
  star.addEventListener("click", () => world.annotate(item.case, { star: !world.annotations()[item.case]?.star }));
  const note = small("note", "Tags and note", "Tags and note (N)", "✎");
  note.addEventListener("click", () => openNote({ item, world, closed: noted }));
  const annotations = make("span", { class: "annotations" }, star, note);
  const where = { role: "listitem", "aria-setsize": total, "aria-posinset": index + 1 };
  const node = make("div", { class: "f-cell", ...where }, button, annotations);

  // `url`: undefined while it is asked for, null where there is none.
  /** @type {(url: string | null | undefined) => void} */
  function showPicture(url) {
    if (url && image.getAttribute("src") !== url) image.src = url;
    button.toggleAttribute("data-lost", url === null);
  }

  function showAnnotation() {
    const annotation = world.annotations()[item.case];
    const words = [...(annotation?.tags ?? []).map((tag) => `#${tag}`), annotation?.note].filter(Boolean).join(" · ");
    star.textContent = annotation?.star ? "★" : "☆";
    star.setAttribute("aria-pressed", String(!!annotation?.star));
    note.title = words ? `${words} (N)` : "Tags and note (N)";
    note.toggleAttribute("data-on", !!words);
    node.toggleAttribute("data-annotated", !!annotation);
  }

  showAnnotation();
  return { item, node, button, star, note, showPicture, showAnnotation };
}

/** @type {(name: string, label: string, title: string, text: string) => HTMLButtonElement} */
function small(name, label, title, text) {
  return make("button", { class: `plain ${name}`, tabindex: -1, "aria-label": label, title }, text);
}

// What one model answered, in words and as an element.
/** @type {(answer: CaseAnswer, model: string, world: World) => { node: HTMLElement; words: string }} */
function answerOf({ answer, confidence, fails }, model, world) {
  const node = make(
    "span",
    { class: fails ? "answer fails" : "answer", "data-method": world.methodOf(model) },
    ...[dot(), make("b", {}, answer), make("span", {}, percent(confidence)), make("em", {}, fails ? "✗" : "✓")],
  );
  const words = `${world.nameOf(model)} answers ${answer} with ${percent(confidence)}, ${fails ? "fails" : "right"}`;
  return { node, words };
}

/** @type {(item: Case, answers: string, distortion: string, survey: Survey) => string} */
function labelOf(item, answers, distortion, survey) {
  const truth = item.label === null ? "" : `True class ${item.label}. `;
  const seed = survey.seeds.length > 1 ? `, seed ${item.seed}` : "";
  return `${truth}${answers}. ${distortion}, row ${item.image} of ${survey.data}${seed}. `;
}

// The window in which a case gets tags and a note.
/** @type {(parts: { item: Case; world: World; closed: () => void }) => void} */
function openNote({ item, world, closed }) {
  const annotation = world.annotations()[item.case] ?? { star: false, tags: [], note: "" };
  const hints = { placeholder: "thin stroke, mislabelled", title: "Words separated by commas" };
  const tags = make("input", { type: "text", maxlength: 500, "aria-label": "Tags", ...hints });
  tags.value = annotation.tags.join(", ");
  const note = make("textarea", { rows: 4, maxlength: 2000, "aria-label": "Note" });
  note.value = annotation.note;
  const save = make("button", { class: "small-button strong" }, "Keep");
  save.type = "submit";
  const kept = make("p", { class: "soft" }, `Kept in ${world.survey().annotations_file}`);
  const form = make("form", { class: "f-note" }, labelled("Tags", tags), labelled("Note", note), kept, save);
  const dialog = openDialog(`Case ${item.case}: tags and note`, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    world.annotate(item.case, { tags: tagsOf(tags.value), note: note.value });
  });
  dialog.addEventListener("close", closed);
  tags.focus();
}

// "thin stroke, mislabelled" as a list.
/** @type {(text: string) => string[]} */
export function tagsOf(text) {
  const tags = text.split(",").map((tag) => tag.trim());
  return tags.filter(Boolean);
}
