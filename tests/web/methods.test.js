/** @import { MeasureState } from "../../explorer/web/types.d.ts" */

import assert from "node:assert/strict";
import { test } from "node:test";
import { actText, notesOf, statusText } from "../../explorer/web/methods/status.js";
import { axisStart, sentencesOf, spread, valuesAt } from "../../explorer/web/methods/values.js";

const NOISE = { title: "Noise", sign: "σ", symbol: "σ", unit: "of full scale", factor: 1 };
const SOURCE = { short: "Zheng 2016", authors: "Zheng et al.", year: 2016, arxiv: "1604.04326" };
const VALUE = {
  ...{ method: "stability", arch: "Inception", title: "Stability training", provenance: "stated", source: SOURCE },
  ...{
    amount: 0.1,
    accuracy: 0.876,
    clean: false,
    about: true,
    n: 1000,
    setting: "tested as printed",
    certain: "Table 2.",
  },
};

test("the axis begins where the curves can be told apart", () => {
  assert.equal(axisStart([0.95, 0.99]), 0.9);
  assert.equal(axisStart([0.8, 0.99]), 0.75);
  assert.equal(axisStart([0.6]), 0.5);
  assert.equal(axisStart([0.1, 0.99]), 0);
});

test("labels keep their order and a gap, and stay inside", () => {
  const at = (/** @type {number[]} */ ys) =>
    spread(
      ys.map((y) => ({ y })),
      { top: 0, bottom: 100, gap: 10 },
    ).map((one) => one.at);
  assert.deepEqual(at([50, 10]), [10, 50]);
  assert.deepEqual(at([20, 21, 22]), [20, 30, 40]);
  assert.deepEqual(at([98, 99, 100]), [80, 90, 100]);
  assert.deepEqual(at([-5]), [0]);
  assert.deepEqual(at([]), []);
});

test("every number at an amount, ours in rows and others' in a line", () => {
  const models = [{ name: "a" }, { name: "b" }];
  const live = {
    n: 10,
    amounts: [0, 0.1],
    models: [{ name: "a", accuracy: [1, 0.5], low: [0.9, 0.4], high: [1, 0.6] }],
  };
  const points = [{ source: "card", model: "b", amount: 0.1, accuracy: 0.7, low: 0.6, high: 0.8 }];
  const published = [VALUE, { ...VALUE, accuracy: 0.8 }, { ...VALUE, amount: 0.2 }];
  const { rows, others } = valuesAt(0.1, /** @type {any} */ ({ models, live, points, published }));
  assert.deepEqual(
    rows.map(({ model, cells }) => [model.name, cells]),
    [
      ["a", { live: "50.0 % (40.0 to 60.0)" }],
      ["b", { card: "70.0 % (60.0 to 80.0)" }],
    ],
  );
  assert.deepEqual(
    others.map(({ text }) => text),
    ["Stability training · Inception: 80.0 % to 87.6 % in 2 settings"],
  );
});

test("a published value says what it is, where from, and of how many images", () => {
  const said = sentencesOf(/** @type {any} */ (VALUE), /** @type {any} */ ({ distortion: NOISE, archs: ["ResNet"] }));
  assert.equal(said[0], "87.6 %: Stability training, Inception, on about σ = 0.1.");
  assert.equal(said[1], "Tested as printed.");
  assert.equal(said.at(-1), "Zheng et al. 2016, arXiv 1604.04326; n = 1,000.");
  const own = sentencesOf(
    /** @type {any} */ ({ ...VALUE, clean: true, same_as: "ResNet", n: null }),
    /** @type {any} */ ({ distortion: NOISE, archs: ["ResNet"] }),
  );
  assert.ok(own[0].endsWith("on clean images."));
  assert.ok(own.includes("The same architecture as ours, trained otherwise."));
  assert.ok(own.at(-1)?.endsWith("n not stated."));
});

const GROUP = { title: "Digits", data: "digits", bytes: 5e6, host: "example.org", here: true };
/** @type {MeasureState[]} */
const STATES = ["measuring", "stopped", "failed", "done"];
const FACTS = { done: 12.7, images: 100, live: null, error: null, group: GROUP, title: "Noise", shown: ["card"] };

test("what is measured, and what can be done about it", () => {
  const text = (/** @type {MeasureState} */ state, /** @type {object} */ more = {}) =>
    statusText(state, /** @type {any} */ ({ ...FACTS, ...more }), null);
  assert.equal(text("measuring"), "Measuring here: 12 of 100 images …");
  assert.equal(text("stopped"), "Stopped after no images.");
  assert.equal(text("stopped", { live: { n: 50, seed: 0 } }), "Stopped after the first 50 images.");
  assert.equal(text("failed", { error: "Out of memory." }), "Out of memory.");
  assert.ok(text("absent").endsWith("What is shown comes from the cards."));
  assert.ok(text("absent", { shown: [] }).endsWith("No card and no shipped survey knows Noise."));
  assert.equal(text("asking"), "");
  assert.equal(statusText("absent", /** @type {any} */ (FACTS), { done: 2e6 }), "Downloading Digits: 2 of 5 MB …");
  assert.deepEqual(
    STATES.map((state) => actText(state, GROUP, false)),
    ["Cancel", "Go on", "Try again", ""],
  );
  assert.deepEqual(
    [false, true].map((loading) => actText("absent", GROUP, loading)),
    ["Download 5 MB from example.org", "Cancel"],
  );
});

test("notes tell of values beyond the chart and of what is not known", () => {
  const known = { ...NOISE, messages: ["Seed 0."], published: [{ ...VALUE, clean: true }] };
  const values = [{ amount: 0.5 }, { amount: 0.1 }];
  const of = (/** @type {object} */ more) =>
    notesOf(/** @type {any} */ ({ known, group: GROUP, amounts: [0, 0.3], values, whole: false, ...more }));
  assert.deepEqual(of({}), [
    "Seed 0.",
    "1 values lie beyond σ = 0.3; choose more under Amounts.",
    "No published accuracy under Noise on Digits is known here.",
  ]);
  assert.equal(of({ amounts: [1, 0.2], whole: true })[1], "1 values lie beyond σ = 0.2; they are in the table below.");
  assert.ok(of({ known: { ...known, published: [VALUE] } }).some((note) => note.startsWith("Others' values")));
});
