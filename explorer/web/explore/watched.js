// One field for all cards: classes whose probability every card shows besides the likeliest ones. A family may know a
// thousand classes; the browser's own list of suggestions searches them.

/** @import { Family, State } from "../types.d.ts" */

import { make, setText } from "../shared/dom.js";

const MOST = 5; // classes watched at once
const LIST = "classes-of-these-models";

// Names to choose from, in the order of the classes; of two classes with one name the second gets its number.
/** @type {(classes: string[]) => string[]} */
export function choices(classes) {
  const seen = new Set();
  return classes.map((name, i) => {
    const twice = seen.has(name);
    seen.add(name);
    return twice ? `${name} (${i})` : name;
  });
}

// The class that words mean: one of that name, else the only one that contains them; otherwise a sentence says why not.
/** @type {(names: string[], words: string) => number | string} */
export function meant(names, words) {
  const wanted = words.trim().toLowerCase();
  const exact = names.findIndex((name) => name.toLowerCase() === wanted);
  if (exact >= 0) return exact;
  const found = names.flatMap((name, i) => (name.toLowerCase().includes(wanted) ? [i] : []));
  if (found.length === 1) return found[0];
  if (!found.length) return `No class of these models contains “${words.trim()}”.`;
  return `${found.length} classes contain “${words.trim()}”: choose one from the list.`;
}

/** @type {(parts: { state: State; family: () => Family; changed: () => void }) => { element: HTMLElement; paint: () => void }} */
export function makeWatched({ state, family, changed }) {
  const list = make("datalist", { id: LIST });
  const field = make("input", {
    list: LIST,
    placeholder: "How probable is …",
    "aria-label": "Show another class on every card",
    title: "A class by its name; every card then shows how probable it is, clean and distorted",
    autocomplete: "off",
    spellcheck: "false",
  });
  const chosen = make("span", { class: "chosen" });
  const note = make("small", { role: "status" });
  const element = make("div", { class: "watched" }, field, chosen, note, list);
  let shown = ""; // the family whose classes the list holds

  field.addEventListener("focus", fill);
  field.addEventListener("input", (event) => {
    setText(note, "");
    const typed = /** @type {InputEvent} */ (event).inputType;
    if (!typed || typed === "insertReplacementText") choose(); // taken from the list, not typed
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    choose();
  });

  function fill() {
    if (shown === family().key) return;
    shown = family().key;
    list.replaceChildren(...choices(family().classes).map((name) => make("option", { value: name })));
  }

  function choose() {
    const words = field.value;
    if (!words.trim()) return;
    const found = meant(choices(family().classes), words);
    if (typeof found === "string") return setText(note, found);
    field.value = "";
    setText(note, "");
    if (state.watched.includes(found)) return;
    state.watched = [...state.watched, found].slice(-MOST);
    changed();
  }

  /** @type {(index: number) => void} */
  function drop(index) {
    state.watched = state.watched.filter((other) => other !== index);
    field.focus();
    changed();
  }

  function paint() {
    const names = choices(family().classes);
    chosen.replaceChildren(
      ...state.watched.map((index) => {
        const label = `Do not show ${names[index]} any more`;
        const button = make("button", { class: "plain icon", "aria-label": label, title: label }, "×");
        button.addEventListener("click", () => drop(index));
        return make("span", {}, names[index], button);
      }),
    );
  }

  paint();
  return { element, paint };
}
