// Whether the browser alters what a page reads back from a canvas, as a guard against fingerprinting.

import { make } from "./dom.js";

const SIDE = 32;

/** @type {() => boolean} */
export function altersCanvas() {
  const pen = make("canvas", { width: SIDE, height: SIDE }).getContext("2d");
  if (!pen) return true;
  const drawn = new ImageData(SIDE, SIDE);
  drawn.data.forEach((_, i) => {
    drawn.data[i] = i % 4 === 3 ? 255 : (i * 89) % 251; // no two neighbours alike: plain areas are left alone by some
  });
  pen.putImageData(drawn, 0, 0);
  const { data } = pen.getImageData(0, 0, SIDE, SIDE);
  return data.some((value, i) => value !== drawn.data[i]);
}
