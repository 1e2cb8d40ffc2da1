// Data sets: a window with thumbnails to choose from, and, once a row is shown, a line in the rail to step through rows.
// Both can look for the next picture on which the models disagree. What is not here can be downloaded in the window.

import { renewDatasets } from "../shared/datasets.js";
import { openDialog } from "../shared/dialog.js";
import { make, smallButton, smallMenu } from "../shared/dom.js";
import { count, megabytes } from "../shared/format.js";

export function makeBrowser({ element, catalogue, jobs, page, notice, pick }) {
  let name = null; // the data set looked at
  let label = null; // the class looked at, or all
  let shown = null; // the row on the panel, { dataset, index, label }
  let loading = null; // the download under way, { name, done, total }
  let searching = null; // the question of the search under way
  let view = null; // the open window
  const set = () => catalogue.datasets.find((one) => one.name === name);

  const classes = smallMenu("Class", "Step through the pictures of this class only");
  const index = make("input", {
    type: "number",
    min: 0,
    step: 1,
    "aria-label": "Row",
    title: "The row shown; type another and press Enter",
  });
  const line = make("div", { class: "rows-of-data", role: "group", hidden: "" });
  const heading = make("b", {});
  const finder = makeFinder();
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
  classes.addEventListener("change", () => (label = classes.value || null));
  index.addEventListener("change", () => goTo(index.value));

  // ---- the line in the rail ---------------------------------------------------------------------------------------

  function stepper(text, help, way) {
    const made = smallButton(text, help, () => step({ [way]: way === "random" ? true : shown.index, label }));
    made.setAttribute("aria-label", help);
    return made;
  }

  function goTo(text) {
    if (/^\d+$/.test(text.trim())) step({ row: Number(text) });
    else index.value = shown.index;
  }

  // Show one other row of the data set on the panel.
  async function step(question) {
    const found = await jobs.run("browse", { dataset: shown.dataset, count: 1, ...question }, { key: "row" });
    if (!found) return;
    if (found.items?.length) choose(shown.dataset, found.items[0]);
    else notice.show(found.error ?? "There is no picture of this class.", { error: true });
    if (found.error) index.value = shown.index;
  }

  function choose(dataset, item) {
    if (item.error) return notice.show(item.error, { error: true });
    const title = catalogue.datasets.find((one) => one.name === dataset)?.title ?? dataset;
    pick(
      { dataset, index: item.index },
      { thumb: item.thumb, name: `${title} ${item.index}${item.label ? `: ${item.label}` : ""}` },
    );
  }

  // The panel shows this picture now, by whatever way it came there.
  function show(picture) {
    const same = shown && picture?.dataset === shown.dataset && picture.index === shown.index;
    if (!same) finder.cancel();
    shown = picture?.dataset ? { dataset: picture.dataset, index: picture.index } : null;
    line.hidden = !shown;
    if (!shown) return;
    if (name !== shown.dataset) label = null;
    name = shown.dataset;
    const { title, rows } = set() ?? { title: name, rows: 1 };
    heading.textContent = title;
    line.setAttribute("aria-label", `Rows of ${title}`);
    index.value = shown.index;
    index.max = rows - 1;
    fillClasses(classes);
    queueMicrotask(finder.paint); // the first picture is told before there are models to suit
  }

  function fillClasses(menu) {
    const option = (value, text) => make("option", { value }, text);
    menu.replaceChildren(option("", "All classes"), ...(set()?.classes ?? []).map((one) => option(one, one)));
    menu.value = label ?? "";
    menu.disabled = !set()?.classes.length;
  }

  // ---- the next picture on which the models disagree -------------------------------------------------------------

  function makeFinder() {
    const button = make("button", { class: "small-button" });
    const status = make("small", { role: "status" });
    const paint = () => {
      const fits = fitting();
      button.textContent = searching ? "Stop searching" : "Next disagreement";
      button.disabled = !searching && !fits;
      button.title = fits
        ? "Search for the next picture that the models call by different names under these distortions"
        : "These pictures are for other models: choose one of them first";
      if (!searching) status.textContent = "";
    };
    const cancel = () => {
      if (!searching) return;
      searching = null;
      jobs.cancel("disagree");
      paint();
    };
    button.addEventListener("click", async () => {
      if (searching) return cancel();
      const dataset = name;
      const { title } = set();
      const state = page.question();
      const mine = (searching = { dataset });
      paint();
      status.textContent = "Searching …";
      const after = shown?.dataset === dataset ? shown.index : set().rows - 1; // round the end: from the first row on
      const progress = (done, total) => total && (status.textContent = `${count(done)} of ${count(total)} looked at`);
      const found = await jobs.run("disagree", { state, dataset, after, label }, { key: "disagree", progress });
      if (searching !== mine) return;
      searching = null;
      paint();
      const asked = ({ models, recipe }) => JSON.stringify([models, recipe]);
      if (!found) return;
      if (found.error) notice.show(found.error, { error: true });
      else if (!found.item)
        notice.show(
          `Under these distortions the models agree on every picture${label ? ` of the class ${label}` : ""} of ${title}.`,
        );
      else if (asked(page.question()) !== asked(state))
        notice.show("The distortions or models have changed meanwhile; search again.");
      else (view?.take ?? choose)(dataset, found.item);
    });
    return { button, status, paint, cancel };
  }

  // Whether the models that stand side by side would be asked about this data set's pictures.
  function fitting() {
    return !!set()?.here && page.suits({ dataset: name });
  }

  // ---- the window -----------------------------------------------------------------------------------------------

  function open() {
    const before = { name, label }; // what the line in the rail goes on with where nothing is chosen
    let chosen = false;
    name ??= (catalogue.datasets.find((one) => one.here) ?? catalogue.datasets[0]).name;
    const names = smallMenu("Data set", "The data set looked at");
    const filter = smallMenu("Class of the pictures", "Show the pictures of one class only");
    const row = make("input", {
      type: "number",
      min: 0,
      step: 1,
      placeholder: "row",
      "aria-label": "Go to row",
      title: "Go to the page with this row: type its number and press Enter",
    });
    const random = smallButton("Random", "A page anywhere in the data set", () => turn({ random: true }));
    const head = make("div", { class: "turn" }, names, filter, row, random);
    const body = make("div", { class: "browsed" });
    const where = make("small", { role: "status" });
    const back = smallButton("Back", "The page before", () => turn({ start: Math.max(0, at.start - at.size) }));
    const next = smallButton("Next", "The page after", () => turn({ start: at.start + at.size }));
    const find = makeFinder();
    const foot = make("div", { class: "turn foot" }, find.button, find.status, where, back, next);
    let at = { start: 0, size: 40, total: 0 };
    const dialog = openDialog("Data sets", head, body, foot);
    dialog.classList.add("browser");
    view = { take, paint };
    dialog.addEventListener("close", () => {
      view = null;
      find.cancel();
      if (shown && !chosen)
        ({ name, label } = before.name === shown.dataset ? before : { name: shown.dataset, label: null });
      finder.paint();
    });
    names.addEventListener("change", () => ((name = names.value), (label = null), paint()));
    filter.addEventListener("change", () => ((label = filter.value || null), turn({ start: 0 })));
    row.addEventListener("change", () => {
      if (!/^\d+$/.test(row.value.trim())) return;
      filter.value = "";
      label = null; // a row is looked for in all classes
      turn({ row: Number(row.value) }, Number(row.value));
    });
    paint();
    jobs.run("datasets", {}, { key: "datasets" }).then((found) => found?.datasets && refresh(found.datasets));

    function take(dataset, item) {
      chosen = !item.error;
      if (chosen) dialog.close();
      choose(dataset, item);
    }

    function paint() {
      const option = ({ name: value, title, here, bytes }) =>
        make("option", { value }, here ? title : `${title} (${megabytes(bytes)} to download)`);
      names.replaceChildren(...catalogue.datasets.map(option));
      names.value = name;
      fillClasses(filter);
      find.paint();
      const { here } = set();
      for (const part of [filter, row, random, foot]) part.hidden = !here;
      if (!here) return paintDownload();
      turn(shown?.dataset === name ? { row: shown.index } : { start: 0 }, shown?.index);
    }

    async function turn(question, focus) {
      body.setAttribute("aria-busy", "true");
      const dataset = name;
      const found = await jobs.run("browse", { dataset, label, ...question }, { key: "browse" });
      if (!found || !view || dataset !== name) return;
      body.removeAttribute("aria-busy");
      if (found.error) return body.replaceChildren(make("p", { role: "alert" }, found.error));
      at = found;
      set().rows = found.rows;
      row.max = found.rows - 1;
      const end = found.start + found.items.length;
      where.textContent = `${count(found.start + 1)} to ${count(end)} of ${count(found.total)}`;
      back.disabled = !found.start;
      next.disabled = end >= found.total;
      paintGrid(found.items, focus);
    }

    function paintGrid(items, focus) {
      if (!items.length) return body.replaceChildren(make("p", {}, "There are no pictures of this class."));
      const hadFocus = body.contains(document.activeElement);
      const grid = make("div", {
        class: "grid",
        role: "group",
        "aria-label": "Pictures; the arrow keys move, Page Down turns the page",
      });
      const cells = items.map((item) => {
        const words = `row ${item.index}${item.label ? `: ${item.label}` : ""}${item.error ? ", cannot be read" : ""}`;
        const cell = make("button", {
          class: "row-of-data",
          title: item.error ?? words,
          "aria-label": words,
          tabindex: -1,
          "data-row": item.index,
        });
        cell.append(
          item.error ? make("span", { class: "unread" }, "?") : make("img", { src: item.thumb, alt: "" }),
          make("small", {}, label === null && item.label ? item.label : item.index),
        );
        cell.setAttribute("aria-current", String(shown?.dataset === name && shown.index === item.index));
        cell.addEventListener("click", () => take(name, item));
        return cell;
      });
      grid.append(...cells);
      grid.addEventListener("keydown", (event) => moveFocus(event, grid, cells));
      body.replaceChildren(grid);
      const first = cells.find((cell) => Number(cell.dataset.row) === focus) ?? cells[0];
      first.tabIndex = 0;
      if (hadFocus || focus !== undefined) first.focus();
    }

    function moveFocus(event, grid, cells) {
      const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
      const from = cells.indexOf(document.activeElement);
      const to = {
        ArrowRight: from + 1,
        ArrowLeft: from - 1,
        ArrowDown: from + columns,
        ArrowUp: from - columns,
        Home: 0,
        End: cells.length - 1,
      }[event.key];
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

    // What is not here: how large it is and where it comes from, before anything is sent.
    function paintDownload(failed) {
      const { title, bytes, kept, host } = set();
      const mine = loading?.name === name ? loading : null;
      const words = mine
        ? `Downloading ${title} from ${host}.`
        : `${title} is not on this machine. It can be downloaded from ${host}: ${megabytes(bytes)}. It is checked before it is used, and kept for the next time.`;
      const parts = [make("p", {}, words)];
      if (mine) {
        const bar = make("progress", { max: bytes, "aria-label": "Download", value: mine.done });
        const far = make("small", { role: "status" });
        const stop = smallButton("Cancel", "Stop; what has arrived is kept", stopDownload);
        mine.paint = () => {
          bar.value = mine.done;
          far.textContent =
            mine.total && mine.done >= mine.total
              ? "Checking and unpacking …"
              : `${megabytes(mine.done)} of ${megabytes(bytes)}`;
        };
        mine.paint();
        parts.push(bar, make("div", { class: "turn" }, far, stop));
      } else {
        const words = kept
          ? `Go on with the download (${megabytes(bytes - kept)} left)`
          : `Download ${megabytes(bytes)}`;
        const begin = smallButton(words, `Download ${title}`, download);
        begin.classList.add("strong");
        begin.disabled = !!loading;
        if (failed) parts.push(make("p", { role: "alert" }, failed));
        parts.push(begin);
      }
      body.removeAttribute("aria-busy");
      body.replaceChildren(make("div", { class: "download" }, ...parts));
      body.querySelector("button").focus();
    }

    async function stopDownload() {
      loading = null;
      jobs.cancel("download");
      const found = await jobs.run("datasets", {}, { key: "datasets" });
      if (found?.datasets)
        catalogue.datasets.forEach(
          (one) => (one.kept = found.datasets.find((other) => other.name === one.name)?.kept ?? 0),
        );
      view?.paint();
    }

    async function download() {
      const { title } = set();
      const mine = (loading = { name, done: set().kept, total: 0 });
      paintDownload();
      const progress = (done, total) => {
        Object.assign(mine, { done, total });
        mine.paint?.();
      };
      const found = await jobs.run("download", { dataset: mine.name }, { key: "download", progress });
      if (loading !== mine) return; // cancelled
      loading = null;
      if (found?.datasets) {
        refresh(found.datasets);
        notice.show(`${title} is here now.`);
      } else if (found?.error && view && name === mine.name) view.failed(found.error);
      else notice.show(found?.error ?? "The download was stopped.", { error: true });
    }

    view.failed = paintDownload;
  }

  // The list of data sets has changed: a download may have come, here or on another page.
  function refresh(datasets) {
    const before = JSON.stringify(catalogue.datasets.map(({ here, kept }) => [here, kept]));
    renewDatasets(catalogue.datasets, datasets);
    if (before !== JSON.stringify(datasets.map(({ here, kept }) => [here, kept])) && !loading) view?.paint();
  }

  return { open, show };
}
