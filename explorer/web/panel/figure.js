// One comparison as a figure for a paper or a slide: the pictures, every model's answer, the recipe, the curves.
//
//   figure(answer, curves or null) -> a standalone SVG as a string in the page's colours, light or dark; answer as in
//                                     panel.js, curves as in curves.js
//   rasterise(svg, scale) -> Promise of a PNG Blob
//
// Nothing in it points anywhere else: the pictures are inside, the colours are plain hexadecimal numbers.

/** @import { Answer, Curves, ModelAnswer, Paint } from "../types.d.ts" */

import { FONT } from "../shared/chart.js";
import { svg } from "../shared/dom.js";
import { cut, percent, short, signed } from "../shared/format.js";
import { byLabel, likeliest } from "./classes.js";
import { withPageColours } from "./colours.js";
import { drawCurves } from "./drawing.js";
import { modelTitle } from "./words.js";

const SHEET = { width: 1000, edge: 28, gap: 20, picture: 176 };
/** @type {("clean" | "distorted")[]} */
const WHICH = ["clean", "distorted"];
const CARD = { head: 72, row: 21, foot: 88 };

/** @type {(answer: Answer, curves: Curves | null) => string} */
export function figure(answer, curves) {
  return withPageColours((paint) => new XMLSerializer().serializeToString(draw(answer, curves, paint)));
}

/** @type {(answer: Answer, curves: Curves | null, paint: Paint) => SVGSVGElement} */
function draw(answer, curves, paint) {
  const { width, edge, gap } = SHEET;
  const sheet = svg("svg", { width, "font-family": FONT, "font-size": 13, fill: paint("--text") });
  sheet.append(svg("title", {}, `Stability Explorer: ${answer.recipe}`));
  sheet.append(svg("rect", { width, height: "100%", fill: paint("--bg") }));
  let y = edge;
  y = drawHead(sheet, answer, y, paint);
  const columns = Math.min(3, answer.models.length);
  const across = (width - 2 * edge - gap * (columns - 1)) / columns;
  const rows = Math.max(...answer.models.map((model) => likeliest(model).length));
  const tall = CARD.head + rows * CARD.row + CARD.foot;
  answer.models.forEach((model, i) => {
    const [x, top] = [edge + (i % columns) * (across + gap), y + Math.floor(i / columns) * (tall + gap)];
    drawCard(sheet, model, { x, y: top, width: across, height: tall, paint, models: answer.models });
  });
  y += Math.ceil(answer.models.length / columns) * (tall + gap);
  if (curves) {
    const drawn = drawCurves(curves, { width: width - 2 * edge - 32, paint, amount: curves.at ?? null });
    const height = drawn.svg.viewBox.baseVal.height + 28;
    sheet.append(box(edge, y, width - 2 * edge, height, paint));
    const inner = svg("g", { transform: `translate(${edge + 16} ${y + 14})`, "font-size": 11, fill: paint("--soft") });
    inner.append(...drawn.svg.childNodes);
    sheet.append(inner);
    y += height + gap;
  }
  y += 6;
  const foot = svg("text", { x: edge, y, "font-size": 11, fill: paint("--soft") });
  sheet.append(foot);
  lines(foot, `Stability Explorer · pixels #${answer.image_hash} · ${answer.recipe}`, 150, edge);
  y += foot.childNodes.length * 15 + edge - 15;
  sheet.setAttribute("height", String(y));
  sheet.setAttribute("viewBox", `0 0 ${width} ${y}`);
  return sheet;
}

// A PNG of an SVG of ours, `scale` times its size.
/** @type {(drawing: string, scale?: number) => Promise<Blob>} */
export async function rasterise(drawing, scale = 2) {
  const url = URL.createObjectURL(new Blob([drawing], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth * scale, image.naturalHeight * scale];
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob(
        (blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))),
        "image/png",
      ),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

// ---- its parts ------------------------------------------------------------------------------------------------------

/** @type {(sheet: SVGElement, answer: Answer, y: number, paint: Paint) => number} */
function drawHead(sheet, answer, y, paint) {
  const { width, edge, gap, picture } = SHEET;
  sheet.append(box(edge, y, width - 2 * edge, picture + 54, paint));
  WHICH.forEach((which, i) => {
    const x = edge + 16 + i * (picture + gap);
    const sharp = { "image-rendering": "optimizeSpeed", style: "image-rendering: pixelated" }; // squares, never smoothed
    sheet.append(svg("image", { x, y: y + 16, width: picture, height: picture, href: answer.images[which], ...sharp }));
    const caption = i
      ? `distorted · #${answer.image_hash.slice(0, 8)}`
      : `${answer.pinned ? "pinned" : "clean"} · ${answer.size.join(" × ")}`;
    sheet.append(svg("text", { x, y: y + picture + 35, "font-size": 12, fill: paint("--soft") }, caption));
  });
  const { psnr, ssim, l2, linf } = answer.input;
  const facts = [
    ["How far the input moved", ""],
    ["PSNR", psnr === null ? "∞ dB" : `${psnr.toFixed(1)} dB`],
    ["SSIM", ssim === null ? "–" : ssim.toFixed(ssim > 0.99 ? 3 : 2)],
    ["L2", short(l2)],
    ["L∞", short(linf)],
    ["pixels", answer.pixels],
    ...(answer.label === null || answer.label === undefined ? [] : [["true class", answer.label]]),
  ];
  const x = edge + 16 + 2 * (picture + gap) + 10;
  facts.forEach(([name, value], i) =>
    pair(sheet, name, cut(value, 40), { x, right: width - edge - 16, y: y + 28 + i * 21, paint }),
  );
  const recipe = svg("text", {
    x,
    y: y + 28 + facts.length * 21 + 6,
    "font-size": 12,
    "font-family": "ui-monospace, Menlo, Consolas, monospace",
  });
  sheet.append(recipe);
  lines(recipe, answer.recipe, 66, x);
  return y + picture + 54 + gap;
}

/** @type {(sheet: SVGElement, model: ModelAnswer, box: { x: number; y: number; width: number; height: number; paint: Paint; models: ModelAnswer[] }) => void} */
function drawCard(sheet, model, { x, y, width, height, paint, models }) {
  const ink = paint("--ink", model.method);
  const [left, right] = [x + 16, x + width - 16];
  sheet.append(
    box(x, y, width, height, paint),
    svg("circle", { cx: left + 5, cy: y + 21, r: 5, fill: paint("--fill", model.method) }),
  );
  const title = svg("text", { x: left + 18, y: y + 26, "font-weight": 600 }, cut(modelTitle({ models }, model), 26));
  if (model.baseline)
    title.append(svg("tspan", { dx: 8, "font-size": 11, "font-weight": 400, fill: paint("--soft") }, "baseline"));
  sheet.append(title, badge(model.flipped, right, y + 21, ink, paint));
  const answer = svg("text", { x: left, y: y + 59, "font-size": 20 }, cut(model.clean[0].label, 14));
  answer.append(
    svg("tspan", { fill: paint("--soft"), dx: 5 }, "→"),
    svg("tspan", { "font-weight": 700, dx: 5 }, cut(model.distorted[0].label, 14)),
  );
  sheet.append(answer);
  const [clean, distorted] = [byLabel(model.clean), byLabel(model.distorted)];
  const [start, span] = [left + 78, width - 32 - 78 - 46];
  likeliest(model).forEach((label, i) => {
    const middle = y + CARD.head + 8 + i * CARD.row;
    const [before, after] = [clean.get(label) ?? 0, distorted.get(label) ?? 0];
    sheet.append(svg("text", { x: left, y: middle + 4 }, cut(label, 11)));
    sheet.append(svg("path", { d: `M${start} ${middle}h${span}`, stroke: paint("--track") }));
    sheet.append(
      svg("rect", {
        class: "distorted",
        x: start,
        y: middle - 4,
        width: span * after,
        height: 8,
        rx: 2,
        fill: paint("--fill", model.method),
      }),
    );
    sheet.append(
      svg("rect", {
        class: "clean",
        x: start,
        y: middle - 7.5,
        width: span * before,
        height: 15,
        rx: 2,
        fill: "none",
        stroke: paint("--soft"),
      }),
    );
    sheet.append(svg("text", { x: right, y: middle + 4, "text-anchor": "end", "font-weight": 600 }, percent(after)));
  });
  const distance = Object.values(model.feature_distance).at(-1);
  const numbers = [
    ["feature distance", distance ? short(distance.l2) : "–"],
    ["confidence", percent(model.confidence)],
    ["margin", signed(model.margin)],
    ["change (KL)", short(model.kl)],
  ];
  const under = y + height - CARD.foot + 18;
  numbers.forEach(([name, value], i) => pair(sheet, name, value, { x: left, right, y: under + i * 19, paint }));
}

// Filled with a diamond: flipped; outlined with a circle: holds. As on the page.
/** @type {(flipped: boolean, right: number, y: number, ink: string, paint: Paint) => SVGGElement} */
function badge(flipped, right, y, ink, paint) {
  const width = 78;
  const group = svg("g", { class: "badge", "font-size": 12, "font-weight": 600 });
  group.append(
    svg("rect", { x: right - width, y: y - 11, width, height: 22, rx: 11, fill: flipped ? ink : "none", stroke: ink }),
  );
  const colour = flipped ? paint("--on-ink") : ink;
  const centre = right - width + 16;
  if (flipped) group.append(svg("path", { d: `M${centre} ${y - 5}l5 5l-5 5l-5-5Z`, fill: colour }));
  else group.append(svg("circle", { cx: centre, cy: y, r: 4, fill: "none", stroke: colour, "stroke-width": 1.5 }));
  group.append(svg("text", { x: centre + 10, y: y + 4, fill: colour }, flipped ? "flipped" : "holds"));
  return group;
}

/** @type {(sheet: SVGElement, name: string, value: string, box: { x: number; right: number; y: number; paint: Paint }) => void} */
function pair(sheet, name, value, { x, right, y, paint }) {
  sheet.append(svg("text", { x, y, fill: paint("--soft"), "font-weight": value ? 400 : 600, "font-size": 12 }, name));
  sheet.append(svg("text", { x: right, y, "text-anchor": "end", "font-weight": 600, "font-size": 12 }, value));
}

/** @type {(x: number, y: number, width: number, height: number, paint: Paint) => SVGRectElement} */
function box(x, y, width, height, paint) {
  return svg("rect", {
    x: x + 0.5,
    y: y + 0.5,
    width: width - 1,
    height: height - 1,
    rx: 12,
    fill: paint("--card"),
    stroke: paint("--line"),
  });
}

// A long text on several lines, broken where a step of the chain ends.
/** @type {(text: SVGElement, words: string, length: number, x: number) => void} */
function lines(text, words, length, x) {
  const rows = [""];
  for (const part of words.match(/[^,;·]{1,80}[,;·]?|[,;·]/g) ?? []) {
    const last = rows[rows.length - 1];
    if (last && last.length + part.length > length) rows.push(part);
    else rows[rows.length - 1] += part;
  }
  text.append(...rows.map((row, i) => svg("tspan", { x, dy: i ? 15 : 0 }, row)));
}
