// The tab "Relatives": a picture, the thirty that are nearest to it, and those that are nearest once it is distorted. Lines
// lead from the old place to the new; while the slider moves the tiles glide along.

/** @import { Distortion, Range } from "../types.d.ts" */
/** @import { Amount, RelativesAnswer, SearchPane, SearchPaneParts } from "./types.d.ts" */

import { make, smallButton, smallMenu } from "../shared/dom.js";
import { count, shownAmount } from "../shared/format.js";
import { makeBand } from "./band.js";
import { latest } from "./ranks.js";

const STRIP = 24; // pictures to choose a query from, at a time
const FIRST = ["gaussian_noise", "jpeg", "thumbnail"]; // where no copies are made
const MOST = 4; // models shown

/** @type {(parts: SearchPaneParts) => SearchPane} */
export function makeRelatives({ element, world }) {
  let query = 0;
  let from = 0; // the first picture of the strip
  let run = "";
  /** @type {Amount} */
  let under = ["", 0];
  /** @type {ReturnType<typeof makeBand>[]} */
  let bands = [];

  const shown = make("img", { class: "x-query", alt: "The query, distorted", draggable: "false" });
  const name = make("p", { class: "x-name" });
  const hash = make("button", { class: "plain", title: "Open it in the live view with these pixels" });
  const which = smallMenu("Distortion", "What is done to the query");
  const slider = make("input", { type: "range", class: "x-slider", "aria-label": "Amount" });
  const amount = make("output", { class: "x-output" });
  const strip = make("div", {
    class: "x-choices",
    role: "group",
    "aria-label": "Pictures; a click makes one the query",
  });
  const where = make("small", { role: "status" });
  const turn = make(
    "div",
    { class: "x-turn" },
    smallButton("‹", "The pictures before", () => turnTo(from - STRIP)),
    where,
    smallButton("›", "The pictures after", () => turnTo(from + STRIP)),
    smallButton("Random", "Any picture as the query", () =>
      choose(Math.floor(Math.random() * world.collection().pictures)),
    ),
  );
  const left = make(
    "div",
    { class: "x-asked" },
    shown,
    name,
    make("div", { class: "x-how" }, which, amount),
    slider,
    hash,
    make("h2", {}, "Another query"),
    strip,
    turn,
  );
  const right = make("div", { class: "x-bands" });
  element.append(make("div", { class: "x-relatives" }, left, right));
  hash.addEventListener("click", () => world.open(query, under));
  which.addEventListener("change", () => take(which.value));
  slider.addEventListener("input", () => {
    under = [under[0], slider.valueAsNumber];
    ask();
  });

  // ---- asking -----------------------------------------------------------------------------------------------------

  const asked = latest(
    (/** @type {{ run: string; picture: number; under: Amount; models: string[] }} */ question) =>
      world.ask("relatives", question),
    (answer, question) => question.run === run && paint(answer, question.picture),
  );

  function ask() {
    paintAmount();
    asked({ run, picture: query, under, models: bands.map(({ model }) => model) });
  }

  // ---- choosing ---------------------------------------------------------------------------------------------------

  function changed() {
    run = "";
  }

  function enter() {
    const collection = world.collection();
    if (!collection || run === collection.run) return;
    run = collection.run;
    [query, from] = [0, 0];
    const made = world.under().map(([made]) => made);
    const all = Object.keys(world.catalogue.distortions).filter((one) => !distortion(one).adversarial);
    const first = made.length ? made : FIRST;
    which.replaceChildren(
      ...[...new Set([...first, ...all])].map((one) => make("option", { value: one }, distortion(one).title)),
    );
    bands = collection.models.slice(0, MOST).map((model) => makeBand({ world, model, choose }));
    const rest = collection.models.length - bands.length;
    right.replaceChildren(
      ...bands.map((band) => band.element),
      ...(rest > 0
        ? [make("p", { class: "soft" }, `The first ${MOST} models are shown; ${count(rest)} more were opened.`)]
        : []),
    );
    turnTo(0);
    take(which.value);
  }

  /** @type {(name: string) => Distortion} */
  const distortion = (name) => world.catalogue.distortions[name];

  // The slider's range at the size of the models' input.
  /** @type {(name: string) => Range} */
  function rangeOf(name) {
    const learned = world.collection().models.find((model) => model.learned)?.name;
    const family = world.catalogue.families.find(({ models }) => models.some((model) => model.name === learned));
    const { sides } = distortion(name);
    return sides[family?.size ?? 0] ?? Object.values(sides)[0];
  }

  /** @type {(name: string) => void} */
  function take(name) {
    const { low, high, step, amounts, inverted } = rangeOf(name);
    const made = world.under().find(([one]) => one === name)?.[1];
    const value = made ?? amounts[Math.min(1, amounts.length - 1)];
    const least = value - Math.max(0, Math.floor((value - low) / step)) * step; // so that the value is one of the steps
    Object.assign(slider, { min: String(least), max: String(Math.max(high, value)), step: String(step) });
    slider.value = String(value);
    slider.classList.toggle("inverted", inverted); // mild on the left
    slider.dir = inverted ? "rtl" : "ltr";
    under = [name, slider.valueAsNumber];
    ask();
  }

  function paintAmount() {
    const text = shownAmount(distortion(under[0]), under[1]);
    amount.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    const { min, max, valueAsNumber, dir } = slider;
    const share = (valueAsNumber - Number(min)) / (Number(max) - Number(min) || 1);
    slider.style.setProperty("--to", String(dir === "rtl" ? 1 - share : share));
  }

  /** @type {(picture: number) => void} */
  function choose(picture) {
    query = picture;
    if (picture < from || picture >= from + STRIP) turnTo(Math.floor(picture / STRIP) * STRIP);
    paintStrip();
    ask();
  }

  /** @type {(to: number) => void} */
  function turnTo(to) {
    const { pictures } = world.collection();
    from = to < 0 ? Math.floor((pictures - 1) / STRIP) * STRIP : to >= pictures ? 0 : to;
    where.textContent = `${count(from + 1)} to ${count(Math.min(pictures, from + STRIP))} of ${count(pictures)}`;
    paintStrip();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  function paintStrip() {
    const { pictures, names } = world.collection();
    const length = Math.min(STRIP, pictures - from);
    while (strip.childElementCount > length) strip.lastElementChild?.remove();
    for (let i = 0; i < length; i++) {
      const made = strip.children[i] ?? makeChoice(i);
      const image = /** @type {HTMLImageElement} */ (made.firstElementChild);
      const url = world.thumbs.get(from + i, -1);
      if (url && image.getAttribute("src") !== url) image.src = url;
      else if (!url) image.removeAttribute("src");
      made.setAttribute("title", names[from + i]);
      made.setAttribute("aria-label", names[from + i]);
      made.setAttribute("aria-pressed", String(from + i === query));
    }
  }

  /** @type {(i: number) => HTMLElement} */
  function makeChoice(i) {
    const made = make("button", { class: "x-thumb" }, make("img", { alt: "", draggable: "false" }));
    made.addEventListener("click", () => choose(from + i));
    strip.append(made);
    return made;
  }

  /** @type {(answer: RelativesAnswer & { error?: string }, picture: number) => void} */
  function paint(answer, picture) {
    if (answer.error) return world.notice.show(answer.error, { error: true });
    shown.src = answer.query;
    name.textContent = world.collection().names[picture];
    name.title = answer.recipe;
    hash.textContent = `#${answer.hash.slice(0, 8)} · open in Explore`;
    answer.models.forEach((ranked, i) => bands[i]?.paint(ranked, picture));
  }

  function painted() {
    if (!run) return;
    paintStrip();
    for (const band of bands) band.pictures();
  }

  return { changed, shown: enter, painted };
}
