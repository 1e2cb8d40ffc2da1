import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, moved, nextScale, pixelAt, scaleBelow, scaledTo } from "../../explorer/web/panel/viewport.js";

const SMALL = { width: 32, height: 32 };
const PHOTO = { width: 4000, height: 3000 };
const STAGE = { width: 1000, height: 700 };

test("a small picture fits at a whole number of device pixels per pixel, in the middle", () => {
  assert.deepEqual(fitted(SMALL, STAGE), { scale: 21, x: 164, y: 14 });
});

test("a photograph is seen as a whole", () => {
  const { scale, x, y } = fitted(PHOTO, STAGE);
  assert.ok(Math.abs(scale - 700 / 3000) < 1e-12);
  assert.deepEqual([x, y], [33, 0]);
});

test("the pixel under the pointer stays under it while the scale grows", () => {
  const at = { x: 700, y: 400 };
  let view = scaledTo(fitted(PHOTO, STAGE), 1, at, PHOTO, STAGE);
  const before = pixelAt(view, at, PHOTO);
  for (const scale of [2, 8, 64]) {
    view = scaledTo(view, scale, at, PHOTO, STAGE);
    assert.deepEqual(pixelAt(view, at, PHOTO), before);
    assert.ok(Number.isInteger(view.x) && Number.isInteger(view.y));
  }
});

test("a large picture leaves no gap at an edge, however far it is pulled", () => {
  const view = scaledTo(fitted(PHOTO, STAGE), 2, { x: 0, y: 0 }, PHOTO, STAGE);
  assert.deepEqual(moved(view, { x: 1e6, y: 1e6 }, PHOTO, STAGE), { scale: 2, x: 0, y: 0 });
  assert.deepEqual(moved(view, { x: -1e6, y: -1e6 }, PHOTO, STAGE), { scale: 2, x: 1000 - 8000, y: 700 - 6000 });
});

test("scales above 1:1 are whole numbers, and none is smaller than the whole picture needs", () => {
  const least = fitted(PHOTO, STAGE).scale;
  let scale = least;
  for (let i = 0; i < 40; i++) {
    scale = nextScale(scale, true, least);
    assert.ok(scale < 1 || Number.isInteger(scale));
  }
  assert.equal(nextScale(scale, true, least), scale);
  for (let i = 0; i < 40; i++) scale = nextScale(scale, false, least);
  assert.equal(scale, least);
  assert.equal(nextScale(21, true, 1), 24);
  assert.equal(nextScale(21, false, 1), 16);
  assert.equal(scaleBelow(5.9, 1), 4);
  assert.equal(scaleBelow(0.01, least), least);
});

test("beside the picture there is no pixel", () => {
  const view = fitted(SMALL, STAGE);
  assert.deepEqual(pixelAt(view, { x: 164, y: 14 }, SMALL), { x: 0, y: 0 });
  assert.deepEqual(pixelAt(view, { x: 164 + 672 - 1, y: 14 + 672 - 1 }, SMALL), { x: 31, y: 31 });
  assert.equal(pixelAt(view, { x: 163, y: 14 }, SMALL), null);
  assert.equal(pixelAt(view, { x: 164 + 672, y: 14 }, SMALL), null);
});
