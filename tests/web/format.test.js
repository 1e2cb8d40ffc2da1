import assert from "node:assert/strict";
import { test } from "node:test";
import {
  count,
  counted,
  cut,
  degrees,
  interval,
  measured,
  megabytes,
  ordinal,
  percent,
  percentOrLess,
  plain,
  points,
  rounded,
  short,
  shownAmount,
  signed,
} from "../../explorer/web/shared/format.js";

test("a number is written with as few digits as say it, and a true minus", () => {
  assert.equal(plain(0.06), "0.06");
  assert.equal(plain(0.1 + 0.2), "0.3");
  assert.equal(plain(-29.71234), "−29.71");
  assert.equal(plain(-29.71234, 3), "−29.7");
  assert.equal(plain(1e-7), "1e−7");
  assert.equal(rounded(-29.71234, 2), -30);
});

test("a short number has about three digits", () => {
  const cases = {
    0: "0",
    0.0004: "< 0.001",
    0.0123: "0.012",
    0.0996: "0.10",
    1.234: "1.23",
    9.996: "10.0",
    123.4: "123",
  };
  for (const [value, text] of Object.entries(cases)) assert.equal(short(Number(value)), text);
});

test("a measured value keeps two digits however small it is", () => {
  assert.equal(measured(0), "0");
  assert.equal(measured(0.000123), "0.00012");
  assert.equal(measured(0.5), "0.500");
  assert.equal(measured(-12.34), "−12.3");
  assert.equal(measured(456.7), "457");
});

test("a difference always has its sign", () => {
  assert.equal(signed(0.5), "+0.50");
  assert.equal(signed(-0.5), "−0.50");
  assert.equal(points(0.0444), "+4.4");
  assert.equal(points(-0.1), "−10.0");
});

test("a small share does not look like none", () => {
  assert.equal(percent(0.25), "25 %");
  assert.equal(percent(0.12345, 1), "12.3 %");
  assert.equal(percentOrLess(0), "0 %");
  assert.equal(percentOrLess(0.004), "< 1 %");
  assert.equal(percentOrLess(0.006), "1 %");
  assert.equal(percentOrLess(0.0002, 1), "< 0.1 %");
  assert.equal(percentOrLess(0.123, 1), "12.3 %");
});

test("an interval follows its value", () => {
  assert.equal(interval({ accuracy: 0.912, low: 0.9, high: 0.9219 }), "91.2 % (90.0 to 92.2)");
});

test("large numbers and sizes can be read", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal([0, 1, 1234].map((n) => counted(n, "case")).join(), "0 cases,1 case,1,234 cases");
  assert.equal(megabytes(170_000_000), "170 MB");
  assert.equal(megabytes(1_234_567), "1.2 MB");
  assert.equal(megabytes(2_640_000_000), "2.6 GB");
});

test("ordinals, the teens too", () => {
  const words = [1, 2, 3, 4, 11, 12, 13, 21, 22, 111, 112].map(ordinal);
  assert.deepEqual(words, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th", "112th"]);
});

test("a long text is cut to its length", () => {
  assert.equal(cut("stability", 9), "stability");
  assert.equal(cut("stability", 5), "stab…");
});

test("an amount has its sign, its number and its unit", () => {
  assert.equal(shownAmount({ sign: "σ", symbol: "σ", factor: 1 }, 0.06), "σ = 0.06");
  assert.equal(shownAmount({ sign: "σ", symbol: "px", factor: 1 }, 2.5), "σ = 2.5 px");
  assert.equal(shownAmount({ sign: "θ", symbol: "°", factor: 1 }, -12), "θ = −12°");
  assert.equal(shownAmount({ sign: "ε", symbol: "/255", factor: 255 }, 8 / 255), "ε = 8/255");
  assert.equal(shownAmount({ sign: "σ", symbol: "σ", factor: 1 }, 0.048134, 4), "σ = 0.04813");
});

test("a cosine distance as an angle, also where rounding takes it beyond its range", () => {
  assert.equal(degrees({ cosine: 0 }), 0);
  assert.ok(Math.abs(degrees({ cosine: 1 }) - 90) < 1e-9);
  assert.equal(degrees({ cosine: -1e-9 }), 0);
  assert.equal(degrees({ cosine: 2.0000001 }), 180);
});
