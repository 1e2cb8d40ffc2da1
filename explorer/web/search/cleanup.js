// The tab "Clean up": pictures that are there more than once, in groups, with a suggestion which one to keep. The list is
// written to a file; nothing is ever deleted.

/** @import { DuplicatesAnswer, Member, SearchPane, SearchPaneParts } from "./types.d.ts" */

import { labelled, make, saveFile, smallButton, smallMenu } from "../shared/dom.js";
import { count, counted } from "../shared/format.js";
import { csvOf, factsOf, jsonOf } from "./groups.js";
import { distanceText } from "./pairs.js";

const REST_MS = 180;
const SHOWN = 200; // groups
/** @type {[by: string, text: string][]} */
const BY = [
  ["distance", "distance"],
  ["0.995", "precision 99.5 %"],
  ["0.99", "precision 99 %"],
  ["0.9", "precision 90 %"],
];

/** @type {(parts: SearchPaneParts) => SearchPane} */
export function makeCleanup({ element, world }) {
  let [run, waiting] = ["", 0];
  /** @type {DuplicatesAnswer | null} */
  let found = null;
  /** @type {number[]} */
  let kept = []; // of each group
  /** @type {Map<number, HTMLImageElement[]>} */
  const images = new Map();

  const model = smallMenu("Found by", "The model that decides what is alike");
  const by = smallMenu(
    "Threshold",
    "A precision is measured on copies that are made of these pictures; a distance is taken as it is",
    ...BY.map(([value, text]) => make("option", { value }, text)),
  );
  const slider = make("input", {
    type: "range",
    class: "x-slider",
    "aria-label": "Largest distance of duplicates",
    min: 0,
  });
  const at = make("output", { class: "x-output" });
  const words = make("small", { role: "status" });
  const stop = smallButton("Cancel", "Stop looking for duplicates", cancel);
  const files = make(
    "span",
    { class: "x-files" },
    smallButton("CSV", "All groups as a table, with what to keep", () => save("csv", csvOf)),
    smallButton("JSON", "The same for programs", () => save("json", (_, marks) => jsonOf(answer(), marks))),
  );
  const rule = make("p", { class: "lead" });
  const list = make("div", { class: "x-groups", role: "list", "aria-label": "Groups of duplicates" });
  const line = make(
    "div",
    { class: "x-line-up" },
    labelled("Found by", model),
    labelled("Threshold", by),
    slider,
    at,
    words,
    stop,
    files,
  );
  element.append(line, rule, list);
  model.addEventListener("change", () => ask());
  by.addEventListener("change", () => ask());
  slider.addEventListener("input", () => {
    by.value = "distance";
    paintSlider();
    clearTimeout(waiting);
    waiting = window.setTimeout(ask, REST_MS);
  });
  stop.hidden = true;

  const answer = () => /** @type {DuplicatesAnswer} */ (found);

  function changed() {
    run = "";
    found = null;
  }

  function shown() {
    const collection = world.collection();
    if (!collection || run === collection.run) return;
    run = collection.run;
    model.replaceChildren(...collection.models.map(({ name, title }) => make("option", { value: name }, title)));
    by.value = "distance";
    ask();
  }

  async function ask() {
    clearTimeout(waiting);
    const precise = by.value !== "distance";
    const same = found && model.value === found.model; // else the slider's distance is one of another model
    const question = precise
      ? { precision: Number(by.value), threshold: null }
      : { precision: null, threshold: same ? slider.valueAsNumber : null };
    busy(precise ? "Measuring thresholds on copies …" : "Looking …");
    const got = await world.jobs.run(
      "search_duplicates",
      { run, model: model.value, ...question },
      {
        key: "search-duplicates",
        progress: (done, total) => {
          if (total) words.textContent = `${count(done)} of ${counted(total, "picture")} …`;
        },
      },
    );
    if (!got) return;
    busy(null);
    if (got.error && precise) {
      world.notice.show(got.error, { error: true });
      by.value = "distance"; // which always has one to begin with
      return ask();
    }
    if (got.error) {
      found = null;
      list.replaceChildren(make("p", { class: "x-none", role: "alert" }, got.error));
      rule.textContent = "";
      files.hidden = true;
      return;
    }
    found = got;
    paint(got);
  }

  function cancel() {
    world.jobs.cancel("search-duplicates");
    busy(null);
  }

  /** @type {(sentence: string | null) => void} */
  function busy(sentence) {
    list.toggleAttribute("aria-busy", sentence !== null);
    if (sentence !== null) list.setAttribute("aria-busy", "true");
    words.textContent = sentence ?? "";
    stop.hidden = sentence === null;
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  function paintSlider() {
    const { max, valueAsNumber } = slider;
    slider.style.setProperty("--to", String(valueAsNumber / (Number(max) || 1)));
    at.textContent = distanceText({ bits: found?.bits ?? false }, valueAsNumber);
  }

  /** @type {(got: DuplicatesAnswer) => void} */
  function paint({ groups, threshold, high, bits, rule: how, notes }) {
    Object.assign(slider, { max: String(Math.max(high, threshold)), step: bits ? "1" : "any" });
    slider.value = String(threshold);
    paintSlider();
    kept = groups.map((group) =>
      Math.max(
        0,
        group.findIndex(({ keep }) => keep),
      ),
    );
    const more = groups.reduce((sum, group) => sum + group.length - 1, 0);
    words.textContent = groups.length
      ? `${counted(groups.length, "group")}, ${counted(more, "picture")} beside those to keep`
      : "No duplicates";
    rule.textContent = [`Suggested to keep: ${how}. Nothing is deleted.`, ...notes].join(" ");
    files.hidden = !groups.length;
    images.clear();
    const rest = groups.length - SHOWN;
    list.replaceChildren(
      ...groups.slice(0, SHOWN).map(makeGroup),
      ...(rest > 0 ? [make("p", { class: "x-none soft" }, `${count(rest)} more groups are in the files.`)] : []),
      ...(groups.length
        ? []
        : [make("p", { class: "x-none soft" }, "Nothing is as near as that; move the threshold to the right.")]),
    );
  }

  /** @type {(group: Member[], i: number) => HTMLElement} */
  function makeGroup(group, i) {
    const tiles = group.map((member, j) => makeMember(member, () => keep(j)));
    const keep = (/** @type {number} */ j) => {
      kept[i] = j;
      tiles.forEach(({ node, mark }, k) => {
        node.toggleAttribute("data-kept", k === j);
        mark.setAttribute("aria-pressed", String(k === j));
        mark.textContent = k === j ? "● keep" : "○ keep";
      });
    };
    keep(kept[i]);
    return make("div", { class: "x-group", role: "listitem" }, ...tiles.map(({ node }) => node));
  }

  /** @type {(member: Member, keep: () => void) => { node: HTMLElement; mark: HTMLElement }} */
  function makeMember(member, keep) {
    const image = make("img", { alt: "", draggable: "false", loading: "lazy" });
    images.set(member.picture, [...(images.get(member.picture) ?? []), image]);
    image.addEventListener("load", () => image.classList.toggle("pixels", image.naturalWidth <= 48));
    const url = world.thumbs.get(member.picture, -1);
    if (url) image.src = url;
    const { names } = world.collection();
    const name = names[member.picture];
    const picture = make(
      "button",
      { class: "x-thumb", title: `${name}: open in the live view`, "aria-label": `${name}: open in the live view` },
      image,
    );
    picture.addEventListener("click", () => world.open(member.picture, null));
    const mark = make("button", { class: "x-keep", title: `Keep ${name} of this group` });
    mark.addEventListener("click", keep);
    const away = distanceText({ bits: found?.bits ?? false }, member.distance);
    const node = make(
      "div",
      { class: "x-member" },
      picture,
      mark,
      make("b", { title: name }, name),
      make("small", {}, factsOf(member)),
      make("small", {}, member.keep ? "suggested" : `distance ${away}`),
    );
    return { node, mark };
  }

  function painted() {
    for (const [picture, all] of images) {
      const url = world.thumbs.get(picture, -1);
      if (url) for (const image of all) if (image.getAttribute("src") !== url) image.src = url;
    }
  }

  // With the names that the visitor knows.
  /** @type {(ending: string, write: (groups: Member[][], marks: number[]) => string) => void} */
  function save(ending, write) {
    if (!found) return;
    const { names } = world.collection();
    found.groups = found.groups.map((group) => group.map((member) => ({ ...member, name: names[member.picture] })));
    const type = ending === "csv" ? "text/csv" : "application/json";
    saveFile(`duplicates.${ending}`, new Blob([write(found.groups, kept)], { type }));
  }

  return { changed, shown, painted };
}
