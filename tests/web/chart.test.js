import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest, offset, snapped, stepped } from "../../explorer/web/panel/amounts.js";
import { axisName, between, ceiling, dash, isDotted, partOf, pathOf, ticks } from "../../explorer/web/shared/chart.js";

const UNIT = { sign: "σ", symbol: "σ", unit: "of full scale", factor: 1 };
/** @type {import("../../explorer/web/types.d.ts").Curves} */
const NOISE = { title: "Noise", ...UNIT, step: 0.1, amounts: [0, 0.25, 0.5, 1], models: [] };
/** @type {import("../../explorer/web/types.d.ts").Curves} */
const JPEG = { title: "JPEG", ...UNIT, step: 1, amounts: [100, 50, 1], models: [] }; // the mild end is the larger number

const close = (/** @type {number[]} */ found, /** @type {number[]} */ wanted) => {
  assert.equal(found.length, wanted.length);
  for (const [i, value] of found.entries()) assert.ok(Math.abs(value - wanted[i]) < 1e-9, `${found}`);
};

test("an amount lies between the mild and the strong end, whichever is larger", () => {
  assert.equal(partOf(NOISE, 0.25), 0.25);
  assert.equal(partOf(JPEG, 100), 0);
  assert.equal(partOf(JPEG, 1), 1);
  assert.equal(partOf(NOISE, 7), 1);
  assert.equal(partOf({ amounts: [3, 3] }, 3), 0);
});

test("a curve between two amounts is a straight line", () => {
  assert.equal(between(NOISE, [0, 1, 3, 5], 0.75), 4);
  assert.equal(between(NOISE, [0, 1, 3, 5], 0), 0);
  assert.equal(between(JPEG, [1, 0, 0.5], 75), 1 - 25 / 50);
});

test("ticks are round, in the unit that people read, and at most six", () => {
  close(ticks({ amounts: [0, 1], factor: 1 }), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  close(ticks({ amounts: [0, 16 / 255], factor: 255 }), [0, 5 / 255, 10 / 255, 15 / 255]);
  close(ticks({ amounts: [100, 1], factor: 1 }), [20, 40, 60, 80, 100]);
  for (const high of [0.013, 0.7, 3, 45, 999]) assert.ok(ticks({ amounts: [0, high], factor: 1 }).length <= 6);
});

test("the top of an axis is a round number that is no less than the values", () => {
  assert.deepEqual([0, 0.3, 1.9, 2, 7.3, 9.9, 101].map(ceiling), [1, 0.4, 2, 2, 8, 10, 200]);
  assert.ok(ceiling(0.0123) >= 0.0123);
});

test("an axis is named with its unit where there is room", () => {
  assert.equal(axisName(NOISE), "Noise (σ, of full scale)");
  assert.equal(axisName({ title: "FGSM", symbol: "/255", unit: "1/255 of full scale" }), "FGSM (1/255 of full scale)");
  assert.equal(axisName(NOISE, 60), "Noise (σ)");
});

test("the first six lines differ by their dashes, the others have dots, too", () => {
  const dashes = [0, 1, 2, 3, 4, 5].map(dash);
  assert.equal(dashes[0], null);
  assert.equal(new Set(dashes).size, 6);
  assert.equal(dash(7), dash(1));
  assert.deepEqual([5, 6].map(isDotted), [false, true]);
});

test("a line as a path", () => {
  assert.equal(
    pathOf([
      [0, 1.25],
      [2, 3],
    ]),
    "M0.0 1.3L2.0 3.0",
  );
  assert.equal(pathOf([]), "");
});

test("keys move by a step, a tenth of the axis, or to its ends; right is stronger", () => {
  const key = (/** @type {string} */ name, shiftKey = false) => ({ key: name, shiftKey });
  assert.equal(stepped(NOISE, 0.5, key("ArrowRight")), 0.6);
  assert.equal(stepped(JPEG, 50, key("ArrowRight")), 49);
  assert.equal(stepped(JPEG, 50, key("ArrowLeft", true)), 60);
  assert.equal(stepped(NOISE, 0.5, key("Home")), 0);
  assert.equal(stepped(JPEG, 50, key("End")), 1);
  assert.equal(stepped(NOISE, 1, key("ArrowUp")), 1);
  assert.equal(stepped(NOISE, 0.5, key("a")), null);
});

test("a click snaps to the slider's steps", () => {
  assert.equal(snapped(NOISE, 0.34), 0.3);
  assert.equal(snapped(JPEG, 0.25), 75);
  assert.equal(snapped({ ...NOISE, step: null }, 0.333), 0.335);
});

test("the nearest computed amount, and where one lies in px", () => {
  assert.equal(nearest(NOISE, 0.3), 1);
  assert.equal(nearest(JPEG, 0.9), 2);
  assert.equal(offset({ curves: NOISE, across: 200 }, 0.25), 50);
  assert.equal(offset({ curves: NOISE, across: 200 }, null), -9999);
  assert.equal(offset({ curves: NOISE, across: 200 }, 1.5), -9999);
});
