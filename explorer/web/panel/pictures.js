// What the models see: the clean picture, the distorted one, their difference, and how far the input moved.

import { make, setText } from "../shared/dom.js";
import { short } from "../shared/format.js";

const AMPLIFICATIONS = [1, 2, 4, 8, 16];

export function makePictures() {
  const frames = { clean: make("div", { class: "frame" }), distorted: make("div", { class: "frame" }) };
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
  amplify.value = 2;
  const facts = Object.fromEntries(
    [
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
    ].map(([key, name, help]) => [key, { dt: make("dt", { title: help }, name), dd: make("dd", {}, "–") }]),
  );
  const list = make("dl", {}, ...Object.values(facts).map(({ dt, dd }) => make("div", { class: "fact" }, dt, dd)));
  const element = make(
    "div",
    { class: "box see" },
    make("figure", {}, frames.clean, make("figcaption", {}, before, size)),
    make("figure", {}, frames.distorted, make("figcaption", {}, make("span", {}, "distorted"), hash)),
    make(
      "figure",
      {},
      make("div", { class: "frame" }, canvas),
      make("figcaption", {}, make("span", {}, "difference"), amplify),
    ),
    make("div", { class: "facts" }, make("h2", {}, "How far the input moved"), list),
  );

  const held = {}; // per picture: its URL, the decoded element, its pixels
  const context = canvas.getContext("2d", { willReadFrequently: true }); // small, and drawn by us alone
  amplify.addEventListener("change", drawDifference);

  async function load(urls) {
    await Promise.all(
      ["clean", "distorted"].map(async (which) => {
        if (held[which]?.url === urls[which]) return;
        const image = make("img", { alt: `${which} picture, as the models see it`, decoding: "sync" });
        await loaded(image, urls[which]); // decode() would wait for a turn of the compositor
        held[which] = { url: urls[which], image, pixels: pixelsOf(image) };
      }),
    );
  }

  function drawDifference() {
    const [clean, distorted] = [held.clean?.pixels, held.distorted?.pixels];
    if (!clean || clean.width !== distorted?.width || clean.height !== distorted.height) return;
    if (canvas.width !== clean.width) canvas.width = clean.width;
    if (canvas.height !== clean.height) canvas.height = clean.height;
    const difference = context.createImageData(clean.width, clean.height);
    const factor = Number(amplify.value) / 2; // at × 1 the whole range from −255 to 255 fits
    for (let i = 0; i < difference.data.length; i++) {
      difference.data[i] = i % 4 === 3 ? 255 : 127.5 + factor * (distorted.data[i] - clean.data[i]);
    }
    context.putImageData(difference, 0, 0);
  }

  function paint(answer) {
    for (const which of ["clean", "distorted"]) {
      if (frames[which].firstChild !== held[which].image) frames[which].replaceChildren(held[which].image);
    }
    drawDifference();
    setText(before, answer.pinned ? "pinned" : "clean");
    before.title = answer.pinned ?? "";
    setText(size, `${answer.side} × ${answer.side}`);
    setText(hash, `#${answer.image_hash.slice(0, 4)} ${answer.image_hash.slice(4, 8)}`);
    const { psnr, ssim, l2, linf } = answer.input;
    setText(facts.psnr.dd, psnr === null ? "∞ dB" : `${psnr.toFixed(1)} dB`);
    setText(facts.ssim.dd, ssim === null ? "–" : ssim.toFixed(ssim > 0.99 ? 3 : 2));
    setText(facts.l2.dd, short(l2));
    setText(facts.linf.dd, short(linf));
    setText(facts.pixels.dd, answer.pixels);
    setText(facts.label.dd, answer.label ?? "–");
    facts.label.dt.parentElement.hidden = answer.label == null;
  }

  return { element, load, paint };
}

function loaded(image, url) {
  return new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
    image.src = url;
  });
}

function pixelsOf(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
