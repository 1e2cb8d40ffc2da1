// Numbers and amounts as text. A minus is a true one (−), thousands are separated.

/** @import { Unit } from "../types.d.ts" */

// A number rounded to so many digits, as fields take it.
/** @type {(value: number, digits?: number) => number} */
export function rounded(value, digits = 4) {
  return Number(value.toPrecision(digits));
}

// As few digits as say the value: 0.06, 12, −3.142.
/** @type {(value: number, digits?: number) => string} */
export function plain(value, digits = 4) {
  return String(rounded(value, digits)).replace("-", "−");
}

// A value that is never negative, about three digits long, for places that are narrow.
/** @type {(value: number) => string} */
export function short(value) {
  if (value === 0) return "0";
  return value < 0.001 ? "< 0.001" : value.toFixed(value < 0.0995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

// A measured value with three digits or so, however small it is.
/** @type {(value: number) => string} */
export function measured(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const text = size < 0.01 ? size.toPrecision(2) : size.toFixed(size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0);
  return value < 0 ? `−${text}` : text;
}

/** @type {(value: number, digits?: number) => string} */
export function signed(value, digits = 2) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}

// A difference of two shares in points of 100.
/** @type {(difference: number) => string} */
export function points(difference) {
  return signed(100 * difference, 1);
}

// A share from 0 to 1.
/** @type {(share: number, digits?: number) => string} */
export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)} %`;
}

// The same, where a small share must not look like none.
/** @type {(share: number, digits?: number) => string} */
export function percentOrLess(share, digits = 0) {
  const least = 10 ** -digits;
  return share > 0 && 100 * share < least / 2 ? `< ${least.toFixed(digits)} %` : percent(share, digits);
}

// A share with its interval: "91.2 % (90.1 to 92.2)".
/** @type {(share: { accuracy: number; low: number; high: number }) => string} */
export function interval({ accuracy, low, high }) {
  return `${percent(accuracy, 1)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
}

/** @type {(number: number) => string} */
export function count(number) {
  return number.toLocaleString("en-GB");
}

// "1 image", "1,000 images".
/** @type {(number: number, noun: string) => string} */
export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** @type {(bytes: number) => string} */
export function megabytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e7 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @type {(n: number) => string} */
export function ordinal(n) {
  const last = n % 100 > 10 && n % 100 < 14 ? 0 : n % 10;
  return `${n}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

/** @type {(text: string, length: number) => string} */
export function cut(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

// "σ = 0.06", "σ = 2.5 px", "θ = −12°", "ε = 8/255": `symbol` is the unit where there is one, else the sign once more;
// `factor` makes the number that people read out of an amount.
/** @type {(unit: Unit, amount: number, digits?: number) => string} */
export function shownAmount({ sign, symbol, factor }, amount, digits = 3) {
  const unit = symbol === sign ? "" : /^[a-z]/i.test(symbol) ? ` ${symbol}` : symbol;
  return `${sign} = ${plain(amount * factor, digits)}${unit}`;
}

// The angle in degrees of a feature distance, whose `cosine` is 1 − cos of the angle.
/** @type {(distance: { cosine: number }) => number} */
export function degrees({ cosine }) {
  return (Math.acos(Math.min(1, Math.max(-1, 1 - cosine))) * 180) / Math.PI;
}
