// One model's answer: its verdict, the likeliest classes, how far its features moved, and three figures.

/** @import { CardAct, Distance, ModelAnswer } from "../types.d.ts" */

import { dot, make, setText } from "../shared/dom.js";
import { degrees, ordinal, percent, short, signed } from "../shared/format.js";
import { byLabel, likeliest, ROWS } from "./classes.js";

const HELP = {
  distance: "L2 distance between the penultimate layer's features of the clean and of the distorted picture",
  given: "How this model took the pictures above, clean and distorted alike, by its own transform",
  profile:
    "How far each layer's features turned: the angle between clean and distorted, first layer left; a full bar is 90°",
  confidence: "Probability of the answer on the distorted picture (largest softmax output)",
  margin: "Probability of the answer minus that of the runner-up, on the distorted picture",
  kl: "How much the whole answer changed: KL(clean ‖ distorted) = Σ p log(p / p′), in nats",
  masking: "Does it withstand attacks, or only hide the gradient that attacks follow? As its card says",
};

// `acts`: buttons of the host beside the legend.
/** @type {(model: ModelAnswer | null, acts?: CardAct[]) => { element: HTMLElement; paint: (now: ModelAnswer, keepOrder: boolean) => void }} */
export function makeCard(model, acts = []) {
  const { title = "", subtitle = "", name, method = "", baseline = false } = model ?? {}; // none: an empty card
  const badge = make("b", { class: "badge" }, model ? "" : "…");
  const before = make("span", {}, model ? "" : "…");
  const after = make("strong");
  const given = make("span", { class: "given" });
  const doubt = make("p", { class: "doubt", hidden: true });
  const rows = Array.from({ length: ROWS }, makeRow);
  const asked = make("div", { class: "asked" }); // classes that are watched
  const distance = make("b", {}, "–");
  const marker = make("i", { hidden: true });
  const percentile = make("small");
  const profile = make("div", { class: "profile", role: "img" });
  const [confidence, margin, kl, masking] = Array.from({ length: 4 }, () => make("dd", {}, "–"));
  const figures = { confidence, margin, kl, masking };
  const legend = make("p", { class: "legend" });
  legend.append(
    make(
      "span",
      { class: "clean", "aria-hidden": "true" },
      make("i"),
      make("span", { class: "as-clean" }, "clean"),
      make("span", { class: "as-pinned" }, "pinned"),
    ),
    make("span", { "aria-hidden": "true" }, make("i"), "distorted"),
    given,
  );
  const element = make(
    "section",
    { class: "box card", "data-method": method, "data-model": name, "aria-label": name },
    make(
      "header",
      {},
      dot(),
      make("h3", { title: name }, title, subtitle ? make("small", {}, subtitle) : ""),
      baseline ? make("span", { class: "pin", title: "All others are read against this one" }, "baseline") : "",
      badge,
    ),
    make("p", { class: "answer" }, before, make("span", { class: "arrow" }, model ? "→" : ""), after),
    doubt,
    legend,
    ...rows.map((row) => row.element),
    asked,
    make(
      "div",
      { class: "meter" },
      make("div", { class: "line" }, make("span", { title: HELP.distance }, "feature distance"), distance),
      make("div", { class: "track" }, marker),
      percentile,
    ),
    make(
      "div",
      { class: "foot" },
      make("div", { title: HELP.profile }, profile, make("p", { class: "profile-name" }, "layer by layer")),
      make(
        "dl",
        { class: "figures" },
        make("dt", { title: HELP.confidence }, "confidence"),
        figures.confidence,
        make("dt", { title: HELP.margin }, "margin"),
        figures.margin,
        make("dt", { title: HELP.kl }, "change (KL)"),
        figures.kl,
        make("dt", { title: HELP.masking }, "masking"),
        figures.masking,
      ),
    ),
  );
  for (const act of acts) {
    const attributes = { class: "act", title: act.help, "aria-label": act.label, disabled: !model };
    const button = make("button", attributes, act.text);
    button.addEventListener("click", () => name && act.run(name));
    legend.append(button);
  }
  /** @type {string[]} */
  let order = []; // class names, as the rows show them

  /** @type {(now: ModelAnswer, keepOrder: boolean) => void} */
  function paint(now, keepOrder) {
    const [clean, distorted] = [byLabel(now.clean), byLabel(now.distorted)];
    const top = now.distorted[0].label;
    setText(badge, now.flipped ? "flipped" : "holds");
    badge.classList.toggle("flipped", now.flipped);
    setText(before, now.clean[0].label);
    setText(after, top);
    doubt.hidden = !now.doubt;
    if (now.doubt) {
      const { score, distorted, limit, unsure } = now.doubt;
      setText(
        doubt,
        `${unsure ? "unsure" : "answer"}: ${score} ${short(distorted)} ${unsure ? ">" : "≤"} ${short(limit)}`,
      );
      doubt.classList.toggle("unsure", unsure);
    }
    setText(given, now.given);
    given.title = HELP.given;
    const sorted = likeliest(now);
    const previous = order;
    if (!keepOrder || !order.length) order = sorted;
    else if (!order.includes(top)) {
      const least = order.reduce((a, b) => ((distorted.get(a) ?? 0) <= (distorted.get(b) ?? 0) ? a : b));
      order = order.map((label) => (label === least ? top : label)); // the answer is always among the rows
    }
    element.classList.toggle("resort", order.join("\n") !== previous.join("\n"));
    rows.forEach((row, i) => row.paint(order[i], clean.get(order[i]) ?? 0, distorted.get(order[i]) ?? 0));
    paintAsked(asked, now.watched ?? []);
    const layers = Object.entries(now.feature_distance);
    setText(distance, layers.length ? short(layers[layers.length - 1][1].l2) : "–");
    marker.hidden = now.feature_percentile === null;
    marker.style.left = `${now.feature_percentile ?? 0}%`;
    setText(percentile, percentileSentence(now.feature_percentile));
    paintProfile(profile, layers);
    setText(figures.confidence, percent(now.confidence));
    setText(figures.margin, signed(now.margin));
    setText(figures.kl, short(now.kl));
    setText(figures.masking, now.masking.verdict);
    figures.masking.title = now.masking.help;
  }

  return { element, paint };
}

/** @type {() => { element: HTMLElement; paint: (name: string | undefined, before: number, after: number) => void }} */
function makeRow() {
  const label = make("span", { class: "label" });
  const clean = make("i", { class: "clean" });
  const distorted = make("i", { class: "distorted" });
  const number = make("span");
  const bars = make("span", { class: "bars" }, distorted, clean);
  const element = make(
    "div",
    { class: "row blank" },
    label,
    bars,
    make("span", { class: "number" }, number, make("small", {}, "%")),
  );
  /** @type {(name: string | undefined, before: number, after: number) => void} */
  function paint(name, before, after) {
    element.classList.toggle("blank", name === undefined);
    if (name === undefined) return;
    setText(label, name);
    label.title = name;
    clean.style.width = `${(100 * before).toFixed(2)}%`;
    distorted.style.width = `${(100 * after).toFixed(2)}%`;
    setText(number, `${Math.round(100 * after)}`);
    element.title = `${name}: ${(100 * before).toFixed(2)} % clean, ${(100 * after).toFixed(2)} % distorted`;
  }
  return { element, paint };
}

/** @type {(element: HTMLElement, watched: ModelAnswer["watched"]) => void} */
function paintAsked(element, watched) {
  element.replaceChildren(
    ...watched.map(({ label, clean, distorted }) => {
      const row = makeRow();
      row.paint(label, clean, distorted);
      return row.element;
    }),
  );
}

/** @type {(profile: HTMLElement, layers: [string, Distance][]) => void} */
function paintProfile(profile, layers) {
  while (profile.children.length < layers.length) profile.append(make("i"));
  while (profile.children.length > layers.length) profile.lastElementChild?.remove();
  const bars = /** @type {HTMLElement[]} */ ([...profile.children]);
  layers.forEach(([name, { l2, cosine }], i) => {
    const angle = degrees({ cosine });
    bars[i].style.setProperty("--part", `${Math.min(100, angle / 0.9).toFixed(1)}%`);
    bars[i].title = `${name}: turned by ${angle.toFixed(0)}°, L2 distance ${short(l2)}`;
  });
  profile.setAttribute("aria-label", bars.map((bar) => bar.title).join("; "));
}

/** @type {(value: number | null) => string} */
export function percentileSentence(value) {
  if (value === null) return "no table of distances to compare with";
  if (value >= 100) return "beyond all distances between different images";
  const whole = Math.floor(value);
  if (whole < 1) return "below the distances between different images";
  return `${ordinal(whole)} percentile of the distances between different images`;
}
