// What the models see: the clean picture, the distorted one, their difference, and how far the input moved.

/** @import { Answer, Images, Move } from "../types.d.ts" */

import { make, setText } from "../shared/dom.js";
import { short } from "../shared/format.js";
import { makeLarge } from "./large.js";
import { makeMoving } from "./moving.js";
import { pixelsOf } from "./png.js";
import { makeWindows } from "./windows.js";

/** @type {(keyof Images)[]} */
const WHICH = ["clean", "distorted"];
const AMPLIFICATIONS = [1, 2, 4, 8, 16];
const LARGE = 160; // px from which pictures are drawn as photographs, not as squares per pixel

const FACTS = [
  [
    "psnr",
    "PSNR",
    "Peak signal-to-noise ratio in decibels, −10 log10 of the mean squared difference; ∞ for equal pictures",
  ],
  ["ssim", "SSIM", "Structural similarity (Wang et al. 2004), 1 for equal pictures"],
  ["l2", "L2", "Length of the difference: root of the sum of squares over all pixel values in [0, 1]"],
  ["linf", "L∞", "The largest change of any single pixel value in [0, 1]"],
  ["pixels", "pixels", "8-bit: rounded to what a file could hold. float: not rounded"],
  ["label", "true class", "What the data set says the picture shows"],
];

// `root`: the panel, in which the window with the enlarged pictures opens; `move` is told where the models' part of the
// photograph is dragged.
/** @type {(root: HTMLElement, move?: Move) => { element: HTMLElement; load: (urls: Images) => Promise<void>; paint: (answer: Answer) => void }} */
export function makePictures(root, move) {
  const large = makeLarge(root, sources);
  /** @type {(name: string, ...children: HTMLElement[]) => HTMLButtonElement} */
  const frame = (name, ...children) => {
    const made = make("button", { class: "frame", "aria-label": `Enlarge the ${name} picture` }, ...children);
    made.addEventListener("click", large.open);
    return made;
  };
  const windows = WHICH.map(() => makeWindows());
  const moving = makeMoving(move, (answer) => {
    for (const one of windows) one.paint(answer);
  });
  const frames = {
    clean: frame("clean", make("img", { alt: "" }), windows[0].element),
    distorted: frame("distorted", make("img", { alt: "" }), windows[1].element),
  };
  moving.follow(frames.clean);
  moving.follow(frames.distorted);
  const canvas = make("canvas", { role: "img", "aria-label": "difference, amplified" });
  canvas.title = "distorted minus clean, amplified; mid grey where nothing changed";
  const before = make("span", {}, "clean");
  const size = make("span");
  const hash = make("span", { title: "Fingerprint (SHA-256) of the pixels; every model saw exactly these" });
  const amplify = make("select", {
    class: "amplify",
    "aria-label": "amplification of the difference",
    title: "How strongly the difference is enlarged before it is drawn",
  });
  amplify.append(...AMPLIFICATIONS.map((factor) => make("option", { value: factor }, `× ${factor}`)));
  amplify.value = "2";
  const facts = Object.fromEntries(FACTS.map(([key, name, help]) => [key, makeFact(name, help)]));
  const list = make("dl", {}, ...Object.values(facts).map(({ element }) => element));
  const element = make(
    "div",
    { class: "box see" },
    make("figure", {}, frames.clean, make("figcaption", {}, before, size)),
    make("figure", {}, frames.distorted, make("figcaption", {}, make("span", {}, "distorted"), hash)),
    make("figure", {}, frame("difference", canvas), make("figcaption", {}, make("span", {}, "difference"), amplify)),
    make("div", { class: "facts" }, make("h2", {}, "How far the input moved"), list),
  );

  /** @type {Partial<Record<keyof Images, { url: string; image: HTMLImageElement; pixels: ImageData }>>} */
  const cached = {}; // per picture: its URL, the decoded element, its pixels
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  amplify.addEventListener("change", drawDifference);

  /** @type {(urls: Images) => Promise<void>} */
  async function load(urls) {
    await Promise.all(
      WHICH.map(async (which) => {
        if (cached[which]?.url === urls[which]) return;
        const image = make("img", { alt: `${which} picture, as the models see it`, decoding: "sync" });
        // decode() would wait for a turn of the compositor
        const [pixels] = await Promise.all([pixelsOf(urls[which]), loaded(image, urls[which])]);
        cached[which] = { url: urls[which], image, pixels };
      }),
    );
  }

  function sources() {
    const { clean, distorted } = cached;
    if (!clean || !distorted || clean.pixels.width !== distorted.pixels.width) return null;
    const pixels = { clean: clean.pixels, distorted: distorted.pixels };
    return { clean: clean.image, distorted: distorted.image, difference: canvas, pixels };
  }

  function drawDifference() {
    const [clean, distorted] = [cached.clean?.pixels, cached.distorted?.pixels];
    if (!clean || clean.width !== distorted?.width || clean.height !== distorted.height) return;
    if (canvas.width !== clean.width) canvas.width = clean.width;
    if (canvas.height !== clean.height) canvas.height = clean.height;
    const difference = context.createImageData(clean.width, clean.height);
    const factor = Number(amplify.value) / 2; // at × 1 the whole range from −255 to 255 fits
    for (let i = 0; i < difference.data.length; i++) {
      difference.data[i] = i % 4 === 3 ? 255 : 127.5 + factor * (distorted.data[i] - clean.data[i]);
    }
    context.putImageData(difference, 0, 0);
    large.draw();
  }

  /** @type {(answer: Answer) => void} */
  function paint(answer) {
    for (const which of WHICH) {
      const image = cached[which]?.image;
      if (image && frames[which].firstChild !== image) frames[which].firstChild?.replaceWith(image);
    }
    element.classList.toggle("photograph", Math.max(...answer.size) > LARGE);
    moving.paint(answer);
    drawDifference();
    setText(before, answer.pinned ? "pinned" : "clean");
    before.title = answer.pinned ?? "";
    setText(size, `${answer.size.join(" × ")}`);
    setText(hash, `#${answer.image_hash.slice(0, 4)} ${answer.image_hash.slice(4, 8)}`);
    const { psnr, ssim, l2, linf } = answer.input;
    setText(facts.psnr.value, psnr === null ? "∞ dB" : `${psnr.toFixed(1)} dB`);
    setText(facts.ssim.value, ssim === null ? "–" : ssim.toFixed(ssim > 0.99 ? 3 : 2));
    setText(facts.l2.value, short(l2));
    setText(facts.linf.value, short(linf));
    setText(facts.pixels.value, answer.pixels);
    setText(facts.label.value, answer.label ?? "–");
    facts.label.element.hidden = answer.label == null;
  }

  return { element, load, paint };
}

/** @type {(name: string, help: string) => { element: HTMLElement; value: HTMLElement }} */
function makeFact(name, help) {
  const value = make("dd", {}, "–");
  return { element: make("div", { class: "fact" }, make("dt", { title: help }, name), value), value };
}

/** @type {(image: HTMLImageElement, url: string) => Promise<unknown>} */
function loaded(image, url) {
  return new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
    image.src = url;
  });
}
