// Where a picture lies in a stage. A view is { scale, x, y }: device pixels per pixel of the picture, and where its top
// left corner stands in the stage, in device pixels. From 1:1 on the scale is a whole number, so that every pixel is a
// square of the same size.

/** @import { Size, XY, Viewport } from "../types.d.ts" */

const SCALES = [1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

// The whole picture, as large as it goes.
/** @type {(picture: Size, stage: Size) => Viewport} */
export function fitted(picture, stage) {
  const most = Math.min(stage.width / picture.width, stage.height / picture.height);
  return clamped({ scale: most >= 1 ? Math.floor(most) : most, x: 0, y: 0 }, picture, stage);
}

// The view at another scale; what stands at this spot of the stage stays there, as far as the edges allow.
/** @type {(view: Viewport, scale: number, at: XY, picture: Size, stage: Size) => Viewport} */
export function scaledTo(view, scale, at, picture, stage) {
  const factor = scale / view.scale;
  return clamped({ scale, x: at.x - (at.x - view.x) * factor, y: at.y - (at.y - view.y) * factor }, picture, stage);
}

/** @type {(view: Viewport, by: XY, picture: Size, stage: Size) => Viewport} */
export function moved(view, by, picture, stage) {
  return clamped({ scale: view.scale, x: view.x + by.x, y: view.y + by.y }, picture, stage);
}

// The next larger or smaller scale, but not below the one at which the whole picture is seen.
/** @type {(scale: number, larger: boolean, least: number) => number} */
export function nextScale(scale, larger, least) {
  if (larger) return SCALES.find((step) => step > scale * 1.001) ?? scale;
  return Math.max(least, SCALES.findLast((step) => step < scale * 0.999) ?? least);
}

// The largest scale of the row that is not above the wish: what two fingers ask for.
/** @type {(wish: number, least: number) => number} */
export function scaleBelow(wish, least) {
  return Math.max(least, SCALES.findLast((step) => step <= wish) ?? least);
}

// The picture's pixel at this spot of the stage, or null beside the picture.
/** @type {(view: Viewport, at: XY, picture: Size) => XY | null} */
export function pixelAt(view, at, picture) {
  const [x, y] = [Math.floor((at.x - view.x) / view.scale), Math.floor((at.y - view.y) / view.scale)];
  return x >= 0 && y >= 0 && x < picture.width && y < picture.height ? { x, y } : null;
}

/** @type {(view: Viewport, picture: Size, stage: Size) => Viewport} */
function clamped({ scale, x, y }, picture, stage) {
  return { scale, x: along(x, scale * picture.width, stage.width), y: along(y, scale * picture.height, stage.height) };
}

// A small picture stands in the middle, a large one leaves no gap at an edge; always at a whole device pixel.
/** @type {(start: number, length: number, room: number) => number} */
function along(start, length, room) {
  return Math.round(length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, start)));
}
