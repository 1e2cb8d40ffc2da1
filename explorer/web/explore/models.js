// Which models answer, and which picture they are asked about: the two go together, since models of one family know the
// same classes.

/** @import { AddedNetwork, Catalogue, Family, Model, ModelsKnown, Picture, State, Wired } from "../types.d.ts" */

import { dot, make } from "../shared/dom.js";
import { remember, remembered } from "../shared/memory.js";

const CHOSEN = "stability-explorer-family";

// What the page opens on where its address and its start say nothing: the family that was chosen last.
/** @type {(catalogue: Catalogue) => Partial<State>} */
export function lastChosen(catalogue) {
  const kept = catalogue.families.find(({ key }) => key === remembered(CHOSEN));
  if (!kept || catalogue.first.named) return {};
  return { family: kept.key, models: [...kept.defaults], picture: kept.picture };
}

// What there is to know of models, after networks were added to those that the page was served with.
/** @type {(catalogue: Catalogue, families: Record<string, Family>, found: ModelsKnown) => void} */
export function renewModels(catalogue, families, found) {
  catalogue.families.splice(0, Infinity, ...found.families);
  for (const one of found.families) families[one.key] = one;
  Object.assign(catalogue.distortions, found.distortions);
}

/** @type {(one: Picture, other: Picture) => boolean} */
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** @type {(parts: Wired & { list: HTMLElement; mark: (picture: Picture) => void; fit: () => void }) => { paint: () => void; chooseFamily: (key: string) => void; choosePicture: (picture: Picture) => void; suits: (family: Family, picture: Picture) => boolean; addModel: (name: string) => null; addNetwork: (found: AddedNetwork) => void; addBeside: (found: AddedNetwork, start: string) => void }} */
export function makeModels({
  list,
  state,
  catalogue,
  families,
  family,
  card,
  title,
  mark,
  fit,
  changed,
  undo,
  notice,
}) {
  let unpinned = false; // by a change of models, which is to be said
  list.tabIndex = -1; // where the focus goes when the last button of the list is gone

  /** @type {(key: string) => void} */
  function chooseFamily(key) {
    if (!families[key] || key === state.family) return;
    const untouched = same(state.picture, family().picture); // nobody chose it: each family has its own first one
    enterFamily(key);
    remember(CHOSEN, key);
    if (untouched || !suits(family(), state.picture)) {
      state.picture = family().picture;
      mark(state.picture);
    }
    entered();
  }

  /** @type {(key: string) => void} */
  function enterFamily(key) {
    state.family = key;
    state.models = [...family().defaults];
    state.against = null;
    state.watched = []; // others know other classes
    fit();
    if (!state.reference || suits(family(), state.reference.picture)) return;
    state.reference = null; // these models would not make sense of it
    unpinned = true;
  }

  /** @type {(picture: Picture) => void} */
  function choosePicture(picture) {
    state.picture = picture;
    const wanted = suits(family(), picture) ? null : catalogue.families.find((candidate) => suits(candidate, picture));
    if (wanted) enterFamily(wanted.key);
    entered();
  }

  function entered() {
    changed();
    if (unpinned) notice.show("Unpinned: these models take other pictures.", { undo });
    unpinned = false;
  }

  // Whether these models are the ones to ask about a picture: those trained on its data set, where there are any.
  /** @type {(candidate: Family, picture: Picture) => boolean} */
  function suits(candidate, { dataset, sample }) {
    if (sample) return candidate.channels === 3;
    if (!dataset) return true;
    if (catalogue.families.some(({ data }) => data.includes(dataset))) return candidate.data.includes(dataset);
    const grey = catalogue.datasets.find(({ name }) => name === dataset)?.channels === 1;
    return !grey || candidate.channels === 1;
  }

  /** @type {(name: string) => null} */
  function addModel(name) {
    if (card(name) && !state.models.includes(name)) {
      state.models.push(name);
      const order = family().models.map((model) => model.name);
      state.models = [state.models[0], ...state.models.slice(1).sort((a, b) => order.indexOf(a) - order.indexOf(b))];
      changed();
      focus(state.models.indexOf(name));
    }
    return null; // the menu shows its prompt again
  }

  // A network of a library, which the page did not know before.
  /** @type {(found: AddedNetwork) => void} */
  function addNetwork(found) {
    renewModels(catalogue, families, found);
    if (found.family === state.family) return void addModel(found.name);
    chooseFamily(found.family);
    if (state.models.includes(found.name)) changed();
    else addModel(found.name);
  }

  // A model that was made of another one, which has to be on screen, too.
  /** @type {(found: AddedNetwork, start: string) => void} */
  function addBeside(found, start) {
    addNetwork(found);
    if (!state.models.includes(start)) addModel(start);
  }

  /** @type {(name: string) => void} */
  function removeModel(name) {
    const index = state.models.indexOf(name);
    state.models = state.models.filter((other) => other !== name);
    changed();
    focus(Math.min(index, state.models.length - 1));
    notice.show(`${title(name)} removed.`, { undo });
  }

  /** @type {(name: string) => void} */
  function makeBaseline(name) {
    state.models = [name, ...state.models.filter((other) => other !== name)];
    fit(); // its input may have another size
    changed();
    focus(1);
  }

  // The list is drawn anew with each change: keyboard focus stays next to the change.
  /** @type {(index: number) => void} */
  function focus(index) {
    (list.children[index]?.querySelector("button") ?? list.querySelector("button") ?? list).focus();
  }

  function paint() {
    list.replaceChildren(
      ...state.models.map((name, i) => {
        const { title: text, subtitle, method, help } = /** @type {Model} */ (card(name));
        const chip = make("li", { "data-method": method, title: `${name}: ${help}` });
        chip.append(dot(), make("span", { class: "name" }, text));
        if (subtitle) chip.append(make("small", {}, subtitle));
        if (i === 0) chip.append(make("small", { class: "end" }, "baseline"));
        else {
          const first = make(
            "button",
            {
              class: "plain end quiet",
              "aria-label": `Make ${text} the baseline`,
              title: "The others are then read against it",
            },
            "make baseline",
          );
          first.addEventListener("click", () => makeBaseline(name));
          const remove = make("button", { class: "plain icon", "aria-label": `Remove ${text}`, title: "Remove" }, "×");
          remove.addEventListener("click", () => removeModel(name));
          chip.append(first, remove);
        }
        return chip;
      }),
    );
  }

  return { paint, chooseFamily, choosePicture, suits, addModel, addNetwork, addBeside };
}
