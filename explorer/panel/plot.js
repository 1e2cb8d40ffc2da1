// The drawing of curves.js and of figure.js: curves into an SVG element, and amounts into words. It is served in front of
// both, in one module (curves_module in __init__.py).
//
// drawCurves(curves, { width, paint, amount }) -> { svg, charts, now, hover, across, curves }; what `curves` is stands in
// curves.js. paint(name, method) gives the colour of a CSS variable, as a variable unless told otherwise.

const CHARTS = [
  { key: "confidence", high: 1, percent: true, help: "Probability of the followed class: the true one where it is known, else the model's clean answer" },
  { key: "margin", title: "Margin of the answer", high: 1, help: "Probability of the present answer, also where it is wrong, minus that of the runner-up" },
  { key: "feature_distance", title: "Feature distance", help: "L2 distance between the penultimate layer's features of the clean and of the distorted picture" },
];
const DASHES = ["", "7 3.5", "2 3", "9 3 2 3", "13 4", "5 2 1.5 2 1.5 2"]; // with a colour of its own for each method
const FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif";
const EDGES = { left: 42, right: 8, top: 26, bottom: 38 }; // px around the lines of a chart
const [GAP, TALL, LEGEND_ROW, LEGEND_COLUMN, LETTER] = [20, 150, 22, 270, 6.5]; // the last: px of a legend's letter at most


// ---- the drawing ----------------------------------------------------------------------------------------------------

const variable = (name) => `var(${name})`;

export function drawCurves(curves, { width, paint = variable, amount = null }) {
  const columns = width >= 620 ? 3 : width >= 430 ? 2 : 1;
  const cell = (width - GAP * (columns - 1)) / columns;
  const across = cell - EDGES.left - EDGES.right;
  const legend = legendOf(curves, width, paint);
  const tall = EDGES.top + TALL + EDGES.bottom;
  const height = legend.height + Math.ceil(CHARTS.length / columns) * tall;
  const svg = s("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT, "font-size": 11, fill: paint("--soft") });
  svg.append(legend.group);
  const charts = CHARTS.map((chart, i) => {
    const [x, y] = [(i % columns) * (cell + GAP) + EDGES.left, legend.height + Math.floor(i / columns) * tall + EDGES.top];
    return drawChart(svg, curves, { ...chart, x, y, across, paint });
  });
  const lines = charts.map(({ x, y }) => `M${x} ${y - 4}v${TALL + 4}`).join("");
  const away = "translate(-9999 0)";
  const hover = s("path", { class: "hover", d: lines, stroke: paint("--edge"), transform: away });
  const now = s("path", { class: "now", d: lines, stroke: paint("--text"), "stroke-width": 1.5, "stroke-dasharray": "3 2.5", transform: away });
  const drawn = { svg, charts, now, hover, across, curves };
  if (amount !== null) now.setAttribute("transform", `translate(${offset(drawn, amount)} 0)`);
  svg.append(now);
  return drawn;
}

// One chart of `svg`, `tall` px high; `steps`: into how many parts its lines divide the height;
// `from`: where its values begin, except those of the margin.
export function drawChart(svg, curves, { key, title, high, percent, help, x, y, across, paint = variable, tall = TALL, steps = 2, from = 0 }) {
  const top = high ?? ceiling(Math.max(...curves.models.flatMap((model) => [...model[key], ...(model.band?.[key].high ?? [])])));
  const low = key === "margin" && curves.models.some((model) => Math.min(...model.margin) < 0) ? -1 : from;
  const px = (i) => x + partOf(curves, curves.amounts[i]) * across;
  const py = (value) => y + tall * (1 - (value - low) / (top - low));
  const name = title ?? confidenceTitle(curves);
  const format = percent ? (value) => `${Math.round(100 * value)} %` : key === "margin" ? signedNumber : shortNumber;
  const group = s("g", { class: "chart" });
  const heading = s("text", { x: x - EDGES.left, y: y - 13, "font-size": 12, "font-weight": 600 }, name);
  heading.append(s("title", {}, help));
  group.append(heading);
  for (let i = 0; i <= steps; i++) {
    const value = low + ((top - low) * i) / steps;
    group.append(s("path", { d: `M${x} ${py(value)}h${across}`, stroke: paint("--line") }));
    group.append(s("text", { x: x - 7, y: py(value) + 4, "text-anchor": "end" }, percent ? `${plain(100 * value)} %` : plain(value)));
  }
  for (const tick of ticks(curves)) {
    const at = x + partOf(curves, tick) * across;
    group.append(s("path", { d: `M${at} ${y + tall}v3`, stroke: paint("--edge") }));
    group.append(s("text", { x: at, y: y + tall + 15, "text-anchor": "middle" }, plain(tick * curves.factor)));
  }
  group.append(s("text", { x: x + across / 2, y: y + tall + 31, "text-anchor": "middle" }, axisName(curves, across)));
  const along = (values) => values.map((value, i) => `${i ? "L" : "M"}${px(i).toFixed(1)} ${py(value).toFixed(1)}`).join("");
  const marks = [];
  curves.models.forEach((model, i) => {
    const [ink, fill] = [paint("--ink", model.method), paint("--fill", model.method)];
    const own = s("g", { "data-method": model.method, "data-model": model.name, fill: "none" });
    const band = model.band?.[key];
    if (band) {
      const there = along(band.high);
      const back = band.low.map((value, j) => `L${px(j).toFixed(1)} ${py(value).toFixed(1)}`).reverse().join("");
      own.append(s("path", { class: "band", d: `${there}${back}Z`, fill, "fill-opacity": 0.13 }));
      if (band.mean) own.append(s("path", { class: "mean", d: along(band.mean), stroke: ink, "stroke-width": 1, "stroke-opacity": 0.6 }));
    }
    own.append(s("path", { class: "curve", d: along(model[key]), stroke: ink, "stroke-width": 2, "stroke-linejoin": "round", "stroke-dasharray": dash(i) }));
    if (i >= DASHES.length) own.append(...model[key].map((value, j) => (j % 4 ? "" : s("circle", { cx: px(j), cy: py(value), r: 2.2, fill: ink }))));
    group.append(own);
    if (model.flip_point === null) return;
    const at = x + partOf(curves, model.flip_point) * across;
    marks.push(diamond(at, py(between(curves, model[key], model.flip_point)), model, paint, `${modelTitle(curves, model)} ${flipsAt(curves, model)}`));
  });
  group.append(...marks); // above all lines
  svg.append(group);
  const label = `${name} against ${curves.title}`;
  const role = { role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 };
  const hit = s("rect", { class: "hit", x, y: y - 4, width: across, height: tall + 8, fill: "transparent", ...role });
  return { x, y, key, format, hit };
}

function legendOf(curves, width, paint) {
  const letters = curves.models.map((model) => cut(modelTitle(curves, model), 26).length + flipWords(curves, model).length);
  const column = Math.max(LEGEND_COLUMN, 60 + LETTER * Math.max(...letters));
  const columns = Math.max(1, Math.min(curves.models.length, Math.floor(width / column)));
  const group = s("g", { class: "legend", "font-size": 12 });
  const seeds = curves.models.find((model) => model.band)?.band.n;
  curves.models.forEach((model, i) => {
    const [x, y] = [(i % columns) * Math.min(width / columns, Math.max(column, 340)), 14 + Math.floor(i / columns) * LEGEND_ROW];
    const own = s("g", { "data-method": model.method });
    const ink = paint("--ink", model.method);
    own.append(s("path", { d: `M${x} ${y - 4}h30`, stroke: ink, "stroke-width": 2, "stroke-dasharray": dash(i) }));
    if (i >= DASHES.length) own.append(s("circle", { cx: x + 15, cy: y - 4, r: 2.2, fill: ink }));
    const words = s("text", { x: x + 38, y });
    words.append(s("tspan", { fill: paint("--text"), "font-weight": 600 }, cut(modelTitle(curves, model), 26)));
    words.append(s("tspan", { dx: 8 }, flipWords(curves, model)));
    words.append(s("title", {}, `${model.name}: ${flipHelp(curves, model)}`));
    own.append(words);
    group.append(own);
  });
  let height = Math.ceil(curves.models.length / columns) * LEGEND_ROW;
  if (seeds) {
    const words = `Shaded: the range over ${seeds} seeds; thin line: their mean; thick line: the seed on screen.`;
    group.append(s("text", { class: "seeds", x: 0, y: height + 13, "font-size": 11 }, words));
    height += 20;
  }
  return { group, height: height + 12 };
}

function diamond(x, y, model, paint, words) {
  const mark = s("path", { class: "flip", d: `M${x} ${y - 6}l6 6l-6 6l-6-6Z`, fill: paint("--ink", model.method), stroke: paint("--card"), "stroke-width": 1.5, "data-method": model.method, "data-model": model.name });
  mark.append(s("title", {}, words));
  return mark;
}

// ---- words ---------------------------------------------------------------------------------------------------------

function confidenceTitle(curves) {
  const followed = new Set(curves.models.map((model) => model.followed));
  return followed.size === 1 ? `Confidence in “${cut([...followed][0], 24)}”` : "Confidence in the clean answer";
}

function flipWords(curves, model) {
  return model.flip_point === null ? "○ holds throughout" : `◆ ${flipsAt(curves, model)}`;
}

// Only a flip point that was searched (`exact`) is one amount; else it is known to lie between two of the curves'.
function flipsAt(curves, { flip_point: flip }) {
  const index = curves.amounts.indexOf(flip);
  if (index === 0) return "flipped by the rest of the chain";
  if (curves.exact || index < 0) return `flips at ${shownAmount(curves, flip)}`;
  return `flips between ${shownAmount(curves, curves.amounts[index - 1])} and ${shownAmount(curves, flip)}`;
}

function flipHelp(curves, model) {
  const rest = model.flip_point === curves.amounts[0];
  const first = model.flip_point === null ? "its answer never changes on this slider" : `its answer ${rest ? "is " : ""}${flipsAt(curves, model)}${rest ? "" : " for the first time"}`;
  if (!model.band) return `${first}.`;
  const found = model.band.flip_points.filter((value) => value !== null);
  if (!found.length) return `${first}; it holds with all ${model.band.n} seeds.`;
  const ends = found.map((value) => partOf(curves, value));
  const shown = [Math.min(...ends), Math.max(...ends)].map((end) => shownAmount(curves, found[ends.indexOf(end)]));
  const among = `of the ${curves.amounts.length} amounts drawn, the first flipped one lies between ${shown[0]} and ${shown[1]}`;
  return `${first}; it flips with ${found.length} of ${model.band.n} seeds: ${among}.`;
}

// Two models of one method are told apart by their architecture.
function modelTitle(curves, model) {
  const alone = curves.models.filter((other) => other.title === model.title).length === 1;
  const parts = model.name.split("/");
  return alone || parts.length < 2 ? model.title : `${model.title} · ${parts.at(-2)}`;
}

// "Gaussian noise (σ, of full scale)"; where `room` px are too few for that, only the sign.
function axisName({ title, symbol, unit }, room = Infinity) {
  const whole = `${title} (${symbol === unit || symbol === "/255" ? unit : `${symbol}, ${unit}`})`;
  return whole.length * 6.2 < room + EDGES.left ? whole : `${cut(title, Math.floor(room / 6.2))} (${symbol})`;
}

// "σ = 0.06", "σ = 2.5 px", "θ = −12°", "ε = 8/255": `symbol` is the unit where there is one, else the sign once more.
export function shownAmount({ sign, symbol, factor }, value) {
  const unit = symbol === sign ? "" : /^[a-z]/i.test(symbol) ? ` ${symbol}` : symbol;
  return `${sign} = ${plain(value * factor, 3)}${unit}`;
}

// ---- numbers --------------------------------------------------------------------------------------------------------

function partOf({ amounts }, amount) {
  const [mild, strong] = [amounts[0], amounts.at(-1)];
  return strong === mild ? 0 : Math.min(Math.max((amount - mild) / (strong - mild), 0), 1);
}

// A curve's value at any amount, on the straight line between the two computed ones beside it.
function between(curves, values, amount) {
  const parts = curves.amounts.map((value) => partOf(curves, value));
  const part = partOf(curves, amount);
  const right = Math.max(parts.findIndex((value) => value >= part), 1);
  if (right >= values.length) return values.at(-1);
  const share = (part - parts[right - 1]) / (parts[right] - parts[right - 1]);
  return values[right - 1] + share * (values[right] - values[right - 1]);
}

// How far right of a chart's left edge an amount lies in px; far outside for null and for one beyond these curves.
function offset({ curves, across }, amount) {
  if (amount === null) return -9999;
  const [mild, strong] = [curves.amounts[0], curves.amounts.at(-1)];
  const part = strong === mild ? 0 : (amount - mild) / (strong - mild);
  return part >= -1e-9 && part <= 1 + 1e-9 ? part * across : -9999;
}

// Round amounts for the axis, at most six.
function ticks({ amounts, factor }) {
  const [low, high] = [amounts[0] * factor, amounts.at(-1) * factor].sort((a, b) => a - b);
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const found = [];
  for (let i = Math.ceil(low / size - 1e-9); i * size <= high + 1e-9 * size; i++) found.push((i * size) / factor);
  return found;
}

function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((n) => n * power).find((n) => n >= value * 0.999);
}

function dash(i) {
  return DASHES[i % DASHES.length] || null;
}

function plain(value, digits = 4) {
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

function shortNumber(value) {
  if (value === 0) return "0";
  return value < 0.001 ? "< 0.001" : value.toFixed(value < 0.0995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

function signedNumber(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}

function cut(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

// ---- the page -------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function s(tag, attributes = {}, text = "") {
  return dress(document.createElementNS(SVG, tag), attributes, [text]);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && name !== "xmlns") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== "")); // strings become text, never markup
  return element;
}
