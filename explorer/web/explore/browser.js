// Data sets: a window with thumbnails to choose from, and, once a row is shown, a line in the rail to step through rows.
// Both can look for the next picture on which the models disagree. What is not here can be downloaded in the window.

/** @import { Catalogue, ChosenRow, DataSet, Item, Jobs, Notice, Page, Picture } from "../types.d.ts" */

import { make, smallButton, smallMenu } from "../shared/dom.js";
import { openDatasets } from "./dataset_window.js";
import { makeDownloads } from "./download.js";
import { makeFinders } from "./finder.js";

/** @type {(parts: { element: HTMLElement; catalogue: Catalogue; jobs: Jobs; page: Page; notice: Notice; pick: (picture: Picture, found: { thumb: string; name: string }) => void }) => { open: () => void; show: (picture: Picture) => void }} */
export function makeBrowser({ element, catalogue, jobs, page, notice, pick }) {
  // the data set and the class (null: all) that are shown, and the row on the panel, { dataset, index }
  /** @type {ChosenRow} */
  const chosen = { name: null, label: null, shown: null };
  /** @type {ReturnType<typeof openDatasets> | null} */
  let view = null; // the open window
  /** @type {() => DataSet} */
  const dataset = () => catalogue.datasets.find((one) => one.name === chosen.name) ?? unknown(chosen.name ?? "");
  const makeFinder = makeFinders({ jobs, page, notice, chosen, dataset });
  const changed = () => view?.paint();
  const downloads = makeDownloads({ catalogue, jobs, notice, changed, failed });

  const classes = smallMenu("Class", "Step through the pictures of this class only");
  const help = "The row shown; type another and press Enter";
  const index = make("input", { type: "number", min: 0, step: 1, "aria-label": "Row", title: help });
  const line = make("div", { class: "rows-of-data", role: "group", hidden: "" });
  const heading = make("b", {});
  const finder = makeFinder({ found: (name, item) => (view?.take ?? choose)(name, item) });
  const steps = make(
    "span",
    { class: "end" },
    stepper("‹", "Previous row", "before"),
    index,
    stepper("›", "Next row", "after"),
    stepper("Random", "Any row", "random"),
  );
  line.append(heading, steps, classes, finder.button, finder.status);
  element.append(line);
  classes.addEventListener("change", () => {
    chosen.label = classes.value || null;
  });
  index.addEventListener("change", () => goTo(index.value));

  // ---- the line in the rail ---------------------------------------------------------------------------------------

  /** @type {(text: string, help: string, way: string) => HTMLButtonElement} */
  function stepper(text, help, way) {
    const made = smallButton(text, help, () => {
      step({ [way]: way === "random" ? true : chosen.shown?.index, label: chosen.label });
    });
    made.setAttribute("aria-label", help);
    return made;
  }

  /** @type {(text: string) => void} */
  function goTo(text) {
    if (/^\d+$/.test(text.trim())) step({ row: Number(text) });
    else index.value = String(chosen.shown?.index);
  }

  // Show one other row of the data set on the panel.
  /** @type {(question: object) => Promise<void>} */
  async function step(question) {
    if (!chosen.shown) return;
    const name = chosen.shown.dataset;
    const found = await jobs.run("browse", { dataset: name, count: 1, ...question }, { key: "row" });
    if (!found) return;
    if (found.items?.length) choose(name, found.items[0]);
    else notice.show(found.error ?? "There is no picture of this class.", { error: true });
    if (found.error) index.value = String(chosen.shown?.index);
  }

  /** @type {(name: string, item: Item) => void} */
  function choose(name, item) {
    if (item.error) return notice.show(item.error, { error: true });
    const title = catalogue.datasets.find((one) => one.name === name)?.title ?? name;
    const words = `${title} ${item.index}${item.label ? `: ${item.label}` : ""}`;
    pick({ dataset: name, index: item.index }, { thumb: item.thumb, name: words });
  }

  // The panel shows this picture now, however it was chosen.
  /** @type {(picture: Picture) => void} */
  function show(picture) {
    const before = chosen.shown;
    const same = before && picture?.dataset === before.dataset && picture.index === before.index;
    if (!same) finder.cancel();
    const shown = picture?.dataset ? { dataset: picture.dataset, index: picture.index ?? 0 } : null;
    chosen.shown = shown;
    line.hidden = !shown;
    if (!shown) return;
    if (chosen.name !== shown.dataset) chosen.label = null;
    chosen.name = shown.dataset;
    const { title, rows } = dataset();
    heading.textContent = title;
    line.setAttribute("aria-label", `Rows of ${title}`);
    index.value = String(shown.index);
    index.max = String(rows - 1);
    fillClasses(classes);
    queueMicrotask(finder.paint); // the first picture is known before its models are
  }

  /** @type {(menu: HTMLSelectElement) => void} */
  function fillClasses(menu) {
    /** @type {(value: string, text: string) => HTMLOptionElement} */
    const option = (value, text) => make("option", { value }, text);
    menu.replaceChildren(option("", "All classes"), ...dataset().classes.map((one) => option(one, one)));
    menu.value = chosen.label ?? "";
    menu.disabled = !dataset().classes.length;
  }

  // ---- the window -----------------------------------------------------------------------------------------------

  function open() {
    const closed = () => {
      view = null;
      finder.paint();
    };
    view = openDatasets({ catalogue, jobs, chosen, dataset, fillClasses, makeFinder, downloads, choose, closed });
  }

  // Whether the open window could tell why the download failed.
  /** @type {(name: string, sentence: string) => boolean} */
  function failed(name, sentence) {
    if (!view || chosen.name !== name) return false;
    view.paintDownload(sentence);
    return true;
  }

  return { open, show };
}

// A data set that is not in the list.
/** @type {(name: string) => DataSet} */
function unknown(name) {
  return { name, title: name, here: false, channels: 3, classes: [], rows: 1, bytes: 0, kept: 0, host: "" };
}
