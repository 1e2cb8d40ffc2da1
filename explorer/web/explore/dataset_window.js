// The window of data sets: thumbnails to choose from, page by page, and what is not here to be downloaded.

/** @import { Catalogue, ChosenRow, DataSet, Downloads, Item, Jobs, MakeFinder } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { find, focusedAmong, make, smallButton, smallMenu } from "../shared/dom.js";
import { count, megabytes } from "../shared/format.js";

// `chosen`: { name, label, shown }, which the window changes; `choose(name, item)` shows a row on the panel; `closed()`
// is called when the window is closed. Gives the parts by which others reach it.
/** @type {(parts: { catalogue: Catalogue; jobs: Jobs; chosen: ChosenRow; dataset: () => DataSet; fillClasses: (menu: HTMLSelectElement) => void; makeFinder: MakeFinder; downloads: Downloads; choose: (name: string, item: Item) => void; closed: () => void }) => { take: (name: string, item: Item) => void; paint: () => void; paintDownload: (failed?: string) => void }} */
export function openDatasets({ catalogue, jobs, chosen, dataset, fillClasses, makeFinder, downloads, choose, closed }) {
  const before = { name: chosen.name, label: chosen.label }; // what the rail goes on with where nothing is chosen
  let taken = false;
  let open = true;
  let at = { start: 0, size: 40, total: 0 };
  chosen.name ??= (catalogue.datasets.find((one) => one.here) ?? catalogue.datasets[0]).name;
  const names = smallMenu("Data set", "The data set shown");
  const filter = smallMenu("Class of the pictures", "Show the pictures of one class only");
  const help = "Go to the page with this row: type its number and press Enter";
  const field = { type: "number", min: 0, step: 1, placeholder: "row" };
  const row = make("input", { ...field, "aria-label": "Go to row", title: help });
  const random = smallButton("Random", "A page anywhere in the data set", () => turn({ random: true }));
  const head = make("div", { class: "turn" }, names, filter, row, random);
  const body = make("div", { class: "browsed" });
  const where = make("small", { role: "status" });
  const back = smallButton("Back", "The page before", () => turn({ start: Math.max(0, at.start - at.size) }));
  const next = smallButton("Next", "The page after", () => turn({ start: at.start + at.size }));
  const finder = makeFinder({ found: take });
  const foot = make("div", { class: "turn foot" }, finder.button, finder.status, where, back, next);
  const dialog = openDialog("Data sets", head, body, foot);
  dialog.classList.add("browser");
  dialog.addEventListener("close", () => {
    open = false;
    finder.cancel();
    const { shown } = chosen;
    if (shown && !taken)
      Object.assign(chosen, before.name === shown.dataset ? before : { name: shown.dataset, label: null });
    closed();
  });
  names.addEventListener("change", () => {
    Object.assign(chosen, { name: names.value, label: null });
    paint();
  });
  filter.addEventListener("change", () => {
    chosen.label = filter.value || null;
    turn({ start: 0 });
  });
  row.addEventListener("change", () => {
    if (!/^\d+$/.test(row.value.trim())) return;
    filter.value = "";
    chosen.label = null; // a row is searched in all classes
    turn({ row: Number(row.value) }, Number(row.value));
  });
  paint();
  downloads.refresh();

  /** @type {(name: string, item: Item) => void} */
  function take(name, item) {
    taken = !item.error;
    if (taken) dialog.close();
    choose(name, item);
  }

  function paint() {
    /** @type {(dataset: DataSet) => HTMLOptionElement} */
    const option = ({ name, title, here, bytes }) =>
      make("option", { value: name }, here ? title : `${title} (${megabytes(bytes)} to download)`);
    names.replaceChildren(...catalogue.datasets.map(option));
    names.value = chosen.name ?? "";
    fillClasses(filter);
    finder.paint();
    const { here } = dataset();
    for (const part of [filter, row, random, foot]) part.hidden = !here;
    if (!here) return paintDownload();
    const { name, shown } = chosen;
    turn(shown?.dataset === name ? { row: shown.index } : { start: 0 }, shown?.index);
  }

  /** @type {(question: object, focus?: number) => Promise<void>} */
  async function turn(question, focus) {
    body.setAttribute("aria-busy", "true");
    const { name, label } = chosen;
    const found = await jobs.run("browse", { dataset: name, label, ...question }, { key: "browse" });
    if (!found || !open || name !== chosen.name) return;
    body.removeAttribute("aria-busy");
    if (found.error) return body.replaceChildren(make("p", { role: "alert" }, found.error));
    at = found;
    dataset().rows = found.rows;
    row.max = String(found.rows - 1);
    const end = found.start + found.items.length;
    where.textContent = `${count(found.start + 1)} to ${count(end)} of ${count(found.total)}`;
    back.disabled = !found.start;
    next.disabled = end >= found.total;
    paintGrid(found.items, focus);
  }

  // ---- thumbnails -------------------------------------------------------------------------------------------------

  /** @type {(items: Item[], focus: number | undefined) => void} */
  function paintGrid(items, focus) {
    if (!items.length) return body.replaceChildren(make("p", {}, "There are no pictures of this class."));
    const hadFocus = body.contains(document.activeElement);
    const keys = "Pictures; the arrow keys move, Page Down turns the page";
    const cells = items.map(makeCell);
    const grid = make("div", { class: "grid", role: "group", "aria-label": keys }, ...cells);
    grid.addEventListener("keydown", (event) => moveFocus(event, grid, cells));
    body.replaceChildren(grid);
    const first = cells.find((cell) => Number(cell.dataset.row) === focus) ?? cells[0];
    first.tabIndex = 0;
    if (hadFocus || focus !== undefined) first.focus();
  }

  /** @type {(item: Item) => HTMLButtonElement} */
  function makeCell(item) {
    const { name, label, shown } = chosen;
    const words = `row ${item.index}${item.label ? `: ${item.label}` : ""}${item.error ? ", cannot be read" : ""}`;
    const cell = make(
      "button",
      { class: "row-of-data", title: item.error ?? words, "aria-label": words, tabindex: -1, "data-row": item.index },
      item.error ? make("span", { class: "unread" }, "?") : make("img", { src: item.thumb, alt: "" }),
      make("small", {}, label === null && item.label ? item.label : item.index),
    );
    cell.setAttribute("aria-current", String(shown?.dataset === name && shown.index === item.index));
    cell.addEventListener("click", () => take(dataset().name, item));
    return cell;
  }

  /** @type {(event: KeyboardEvent, grid: HTMLElement, cells: HTMLElement[]) => void} */
  function moveFocus(event, grid, cells) {
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const from = focusedAmong(cells);
    const across = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: cells.length - 1 };
    const to = { ...across, ArrowDown: from + columns, ArrowUp: from - columns }[event.key];
    if (event.key === "PageDown" && !next.disabled) next.click();
    else if (event.key === "PageUp" && !back.disabled) back.click();
    else if (to === undefined || from < 0 || !cells[to]) return;
    else {
      cells[from].tabIndex = -1;
      cells[to].tabIndex = 0;
      cells[to].focus();
    }
    event.preventDefault();
  }

  // ---- what is not here -------------------------------------------------------------------------------------------

  // How large it is and where it comes from, before anything is sent.
  /** @type {(failed?: string) => void} */
  function paintDownload(failed) {
    const { title, bytes, kept, host } = dataset();
    const mine = downloads.of(chosen.name);
    const offer = `It can be downloaded from ${host}: ${megabytes(bytes)}. It is checked before it is used, and kept for the next time.`;
    const words = mine ? `Downloading ${title} from ${host}.` : `${title} is not on this machine. ${offer}`;
    /** @type {HTMLElement[]} */
    const parts = [make("p", {}, words)];
    if (mine) {
      const bar = make("progress", { max: bytes, "aria-label": "Download", value: mine.done });
      const far = make("small", { role: "status" });
      const stop = smallButton("Cancel", "Stop; what has arrived is kept", downloads.stop);
      const arrived = () => `${megabytes(mine.done)} of ${megabytes(bytes)}`;
      mine.paint = () => {
        bar.value = mine.done;
        far.textContent = mine.total && mine.done >= mine.total ? "Checking and unpacking …" : arrived();
      };
      mine.paint();
      parts.push(bar, make("div", { class: "turn" }, far, stop));
    } else {
      const left = kept ? `Go on with the download (${megabytes(bytes - kept)} left)` : `Download ${megabytes(bytes)}`;
      const begin = smallButton(left, `Download ${title}`, () => downloads.start(dataset()));
      begin.classList.add("strong");
      begin.disabled = downloads.busy();
      if (failed) parts.push(make("p", { role: "alert" }, failed));
      parts.push(begin);
    }
    body.removeAttribute("aria-busy");
    body.replaceChildren(make("div", { class: "download" }, ...parts));
    find(body, "button").focus();
  }

  return { take, paint, paintDownload };
}
