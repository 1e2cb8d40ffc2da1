// The chart of the page "Methods": accuracy against the amount of one distortion. Its numbers come from four places, each
// with a mark of its own: measured here (lines with bands), the models' cards, shipped surveys, and what others published.
// A line joins numbers of one place only.

import { drawChart, pathOf } from "../shared/chart.js";
import { dot, make, svg } from "../shared/dom.js";
import { count, interval, percent, shownAmount } from "../shared/format.js";

const [LEFT, TOP, BOTTOM, LABELS, TALL] = [42, 30, 40, 152, 340]; // px
const ROOM = 620; // px from which names stand at the ends of the lines
export const SOURCES = {
  live: "Measured here",
  survey: "Shipped survey",
  card: "Cards of the models",
  stated: "Published by others",
  measured: "Weights of others, measured by us",
};
const SHAPES = {
  card: (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z`,
  survey: (x, y) => `M${x} ${y - 4.5}l4.5 8h-9Z`,
  stated: (x, y) => `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5-4.5Z`,
  measured: (x, y) => `M${x - 3.5} ${y - 3.5}h7v7h-7Z`,
};
// Where the axis begins, so that curves close to 100 % can be told apart; it is written at the axis.
const begin = (shares) => [0.9, 0.75, 0.5].find((low) => Math.min(1, ...shares) > low) ?? 0;
const near = (a, b) => Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(a));

// `data`: { kind, amounts, models, archs, live, points, published, hidden }; `hidden`: a Set of the SOURCES left out.
export function makeMethodChart({ element }) {
  const drawing = make("div", { class: "m-drawing" });
  const readout = make("div", { class: "m-readout", hidden: "" });
  const names = make("div", { class: "m-names" });
  element.append(make("div", { class: "m-plot" }, drawing, readout), names);
  let data = null;
  let width = 0;
  let drawn = null; // { hit, hover, at, x, across }
  let reading = null; // the amount that is read
  new ResizeObserver(() => data && Math.abs(drawing.clientWidth - width) > 1 && draw()).observe(drawing);

  function paint(newest) {
    data = newest;
    draw();
  }

  function draw() {
    width = drawing.clientWidth;
    if (!width) return; // not on screen: the observer calls again
    const had = { hit: drawn?.hit === document.activeElement, mark: drawn?.marks.indexOf(document.activeElement) };
    hide();
    const { kind, amounts, hidden } = data;
    const [mild, strong] = [amounts[0], amounts.at(-1)];
    const across = width - LEFT - (width >= ROOM ? LABELS : 14);
    const x = (amount) => LEFT + ((amount - mild) / (strong - mild)) * across;
    const inside = (amount) => x(amount) > LEFT - 1 && x(amount) < LEFT + across + 1;
    const live = hidden.has("live") ? null : data.live;
    const height = TOP + TALL + BOTTOM;
    const drawingOf = svg("svg", {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "group",
      "aria-label": `Accuracy against ${kind.title}`,
    });
    const models = live
      ? live.models.map((one) => ({
          ...named(one.name),
          accuracy: one.accuracy,
          band: { accuracy: one },
          flip_point: null,
        }))
      : [];
    const frame = { ...kind, amounts: live?.amounts ?? [mild, strong], models };
    const points = data.points.filter((one) => !hidden.has(one.source) && inside(one.amount));
    const published = data.published.filter((one) => !hidden.has(one.kind) && inside(one.amount));
    const from = begin([
      ...points.map((one) => one.low),
      ...published.map((one) => one.accuracy),
      ...(live?.models.flatMap((one) => one.low) ?? []),
    ]);
    const {
      group: lined,
      hit,
      py: y,
    } = drawChart(frame, {
      key: "accuracy",
      title: "Accuracy",
      high: 1,
      percent: true,
      steps: from ? 5 : 4,
      from,
      tall: TALL,
      x: LEFT,
      y: TOP,
      across,
      help: "Share of the images that a model classifies correctly",
    });
    drawingOf.append(lined);
    const hover = svg("path", { class: "m-hover", d: `M0 ${TOP - 4}v${TALL + 4}`, transform: "translate(-9999 0)" });
    const joined = live
      ? null
      : ["survey", "card"].find((source) => points.some((one) => one.source === source && !near(one.amount, mild)));
    const ends = live
      ? models.map((one) => ({ ...one, x: x(live.amounts.at(-1)), y: y(one.accuracy.at(-1)) }))
      : lines(
          drawingOf,
          points.filter((one) => one.source === joined),
          x,
          y,
        );
    if (live) for (const one of models) drawingOf.append(dots(one, live.amounts, x, y));
    drawingOf.append(hover, hit, ...points.map((one) => ourMark(one, x, y)));
    if (width >= ROOM) drawingOf.append(endLabels(ends, Math.max(0, ...ends.map((one) => one.x)) + 12));
    names.hidden = width >= ROOM;
    names.replaceChildren(...data.models.map((one) => make("span", { "data-method": one.method }, dot(), one.label)));
    const marks = published.map((one) => theirMark(one, x, y));
    if (marks.length) drawingOf.append(group(marks, published));
    const all = [
      ...(live?.amounts ?? []),
      ...points.map((one) => one.amount),
      ...published.map((one) => one.amount),
    ].sort((a, b) => x(a) - x(b));
    drawn = {
      hit,
      hover,
      marks,
      x,
      y,
      at: all.filter((one, i) => !i || !near(one, all[i - 1])),
      points,
      published,
      live,
    };
    if (reading !== null && !drawn.at.some((one) => near(one, reading))) reading = null; // the amounts are others now
    wire(hit, across);
    drawing.replaceChildren(drawingOf);
    if (had.hit) hit.focus();
    if (had.mark >= 0) marks[had.mark]?.focus();
    tell();
  }

  const named = (name) => data.models.find((one) => one.name === name);

  // ---- marks ----------------------------------------------------------------------------------------------------

  // One thin line per model through the points of one source; gives where each ends.
  function lines(into, points, x, y) {
    return data.models.flatMap((model) => {
      const own = points.filter((one) => one.model === model.name).sort((a, b) => x(a.amount) - x(b.amount));
      if (!own.length) return [];
      into.append(
        svg("path", {
          class: "m-line",
          "data-method": model.method,
          d: pathOf(own.map((one) => [x(one.amount), y(one.accuracy)])),
        }),
      );
      return [{ ...model, x: x(own.at(-1).amount), y: y(own.at(-1).accuracy) }];
    });
  }

  function dots(model, amounts, x, y) {
    const d = amounts
      .map((amount, i) => `M${x(amount) - 2} ${y(model.accuracy[i])}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0Z`)
      .join("");
    return svg("path", { class: "m-dots", "data-method": model.method, d });
  }

  function ourMark(point, x, y) {
    const [at, up] = [x(point.amount), y(point.accuracy)];
    const own = svg("g", {
      class: "m-own",
      "data-method": named(point.model).method,
      "data-source": point.source,
      "data-model": point.model,
    });
    own.append(
      svg("path", { class: "whisker", d: `M${at} ${y(point.low)}V${y(point.high)}` }),
      svg("path", { class: "mark", d: SHAPES[point.source](at, up) }),
    );
    return own;
  }

  function theirMark(value, x, y) {
    const mark = svg("path", {
      class: "m-theirs",
      "data-method": value.method,
      "data-source": value.kind,
      d: SHAPES[value.kind](x(value.amount), y(value.accuracy)),
      role: "img",
      tabindex: -1,
      "aria-label": wordsOf(value).join(" "),
    });
    mark.addEventListener("pointerenter", () => show(value, x, y));
    mark.addEventListener("pointerleave", () => document.activeElement !== mark && hide());
    mark.addEventListener("focus", () => show(value, x, y));
    mark.addEventListener("blur", hide);
    return mark;
  }

  // All of others' values are one stop of the Tab key; arrows go from one to the next.
  function group(marks, values) {
    const own = svg("g", {
      role: "group",
      "aria-label": `${values.length} published values; arrow keys go from one to the next`,
    });
    marks[0].setAttribute("tabindex", 0);
    own.append(...marks);
    own.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const i = marks.indexOf(document.activeElement);
      const to = {
        ArrowRight: i + 1,
        ArrowDown: i + 1,
        ArrowLeft: i - 1,
        ArrowUp: i - 1,
        Home: 0,
        End: marks.length - 1,
      }[event.key];
      if (to === undefined || i < 0) return;
      event.preventDefault();
      const next = marks[(to + marks.length) % marks.length];
      marks.forEach((mark) => mark.setAttribute("tabindex", mark === next ? 0 : -1));
      next.focus();
    });
    return own;
  }

  // The models' names beside the ends of their lines, none over another.
  function endLabels(ends, left) {
    const own = svg("g", { class: "m-ends" });
    const placed = ends.map((one) => ({ ...one, at: one.y })).sort((a, b) => a.y - b.y);
    const gap = 17;
    placed.forEach((one, i) => (one.at = Math.max(one.at, i ? placed[i - 1].at + gap : TOP)));
    const over = Math.max(0, (placed.at(-1)?.at ?? 0) - (TOP + TALL));
    [...placed]
      .reverse()
      .forEach((one, i, all) => (one.at = Math.min(one.at, i ? all[i - 1].at - gap : one.at - over)));
    for (const one of placed) {
      const line = svg("g", { "data-method": one.method });
      line.append(
        svg("path", { d: `M${one.x + 4} ${one.y}L${left - 2} ${one.at}h6` }),
        svg("text", { x: left + 8, y: one.at + 4 }, one.label),
      );
      own.append(line);
    }
    return own;
  }

  // ---- reading --------------------------------------------------------------------------------------------------

  function wire(hit, across) {
    hit.addEventListener("pointermove", ({ clientX }) => {
      const box = hit.getBoundingClientRect();
      const px = LEFT + ((clientX - box.left) / box.width) * across;
      const far = drawn.at.map((amount) => Math.abs(drawn.x(amount) - px));
      if (far.length) read(drawn.at[far.indexOf(Math.min(...far))]);
    });
    hit.addEventListener("pointerleave", () => document.activeElement !== hit && hide());
    hit.addEventListener(
      "focus",
      () => hit.matches(":focus-visible") && drawn.at.length && read(reading ?? drawn.at[0]),
    );
    hit.addEventListener("blur", hide);
    hit.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const i = drawn.at.findIndex((one) => near(one, reading ?? drawn.at[0]));
      const last = drawn.at.length - 1;
      const to = {
        ArrowRight: i + 1,
        ArrowUp: i + 1,
        ArrowLeft: i - 1,
        ArrowDown: i - 1,
        PageUp: i + 5,
        PageDown: i - 5,
        Home: 0,
        End: last,
      }[event.key];
      if (to === undefined || last < 0) return;
      event.preventDefault();
      read(drawn.at[Math.min(Math.max(to, 0), last)]);
    });
  }

  const amountOf = (amount) => (near(amount, data.amounts[0]) ? "clean" : shownAmount(data.kind, amount));

  // Every number at an amount, as rows of { name, method, cells: [[source, text]] } and lines on what others published.
  function at(amount) {
    const { live, points, published } = drawn;
    const i = live ? live.amounts.findIndex((one) => near(one, amount)) : -1;
    const rows = data.models.map((model) => {
      const own = live?.models.find((one) => one.name === model.name);
      const cells = {};
      if (i >= 0 && own) cells.live = interval({ accuracy: own.accuracy[i], low: own.low[i], high: own.high[i] });
      for (const one of points)
        if (one.model === model.name && near(one.amount, amount)) cells[one.source] = interval(one);
      return { model, cells };
    });
    const groups = new Map(); // of one method, network and source
    for (const one of published.filter((value) => near(value.amount, amount))) {
      const key = [one.method, one.arch, one.source.short].join();
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    const others = [...groups.values()].map((all) => {
      const shares = all.map((one) => one.accuracy);
      const range =
        all.length === 1
          ? percent(shares[0], 1)
          : `${percent(Math.min(...shares), 1)} to ${percent(Math.max(...shares), 1)} in ${all.length} settings`;
      return {
        method: all[0].method,
        mark: all[0].kind,
        text: `${all[0].title} · ${all[0].arch}: ${range}`,
        source: all[0].source.short,
      };
    });
    return { rows: rows.filter(({ cells }) => Object.keys(cells).length), others };
  }

  function read(amount) {
    reading = amount;
    const { rows, others } = at(amount);
    const used = Object.keys(SOURCES).filter((source) => rows.some(({ cells }) => cells[source]));
    const images = (source) =>
      count(source === "live" ? drawn.live.n : drawn.points.find((one) => one.source === source).n);
    const head = make(
      "tr",
      {},
      make("th", {}),
      ...used.map((source) => make("th", { scope: "col" }, `${SOURCES[source]}, n = ${images(source)}`)),
    );
    const body = rows.map(({ model, cells }) =>
      make(
        "tr",
        { "data-method": model.method },
        make("th", { scope: "row" }, dot(), model.label),
        ...used.map((source) => make("td", {}, cells[source] ?? "")),
      ),
    );
    const theirs = others.map((one) =>
      make(
        "p",
        { "data-method": one.method },
        sourceSample(one.mark),
        make("span", {}, one.text),
        make("small", {}, one.source),
      ),
    );
    readout.classList.remove("one");
    position(
      drawn.x(amount),
      TOP,
      make("b", {}, amountOf(amount)),
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)),
      ...theirs,
    );
    drawn.hover.setAttribute("transform", `translate(${drawn.x(amount)} 0)`);
    tell();
  }

  function wordsOf(value) {
    const where = value.clean
      ? "clean images"
      : `${value.about ? "about " : ""}${shownAmount(data.kind, value.amount)}`;
    const ours = value.same_as && data.archs.includes(value.same_as);
    return [
      `${percent(value.accuracy, 1)}: ${value.title}, ${value.arch}, on ${where}.`,
      `${value.setting.replace(/^[a-z]/, (letter) => letter.toUpperCase())}.`,
      value.certain,
      ours ? "The same architecture as ours, trained otherwise." : "Another architecture than ours.",
      `${value.source.authors} ${value.source.year}, arXiv ${value.source.arxiv}${value.n ? `; n = ${count(value.n)}` : `; n not ${value.kind === "stated" ? "stated" : "kept"}`}.`,
    ];
  }

  function show(value, x, y) {
    const [first, ...rest] = wordsOf(value);
    const [title, ...more] = first.split(": ");
    readout.classList.add("one"); // before it is measured
    position(
      x(value.amount),
      y(value.accuracy),
      make(
        "p",
        { "data-method": value.method },
        sourceSample(value.kind),
        make("b", {}, title),
        make("span", {}, more.join(": ")),
      ),
      ...rest.map((text) => make("p", { class: "soft" }, text)),
    );
  }

  // Beside what it is about, on the side with more room, never over it.
  function position(x, y, ...content) {
    readout.replaceChildren(...content);
    readout.hidden = false;
    const right = x + 16 + readout.offsetWidth <= width || x < width / 2;
    const left = right ? Math.min(x + 16, width - readout.offsetWidth) : x - 16 - readout.offsetWidth;
    readout.style.transform = `translate(${Math.max(left, 0)}px, ${Math.max(Math.min(y, TOP + TALL - readout.offsetHeight), 0)}px)`;
  }

  function hide() {
    readout.hidden = true;
    drawn?.hover.setAttribute("transform", "translate(-9999 0)");
  }

  // What a screen reader says of the chart at the amount that is read.
  function tell() {
    const { hit } = drawn;
    const amount = reading ?? drawn.at[0];
    if (amount === undefined) return hit.setAttribute("aria-valuetext", "No number yet");
    const { rows, others } = at(amount);
    const said = rows.map(
      ({ model, cells }) =>
        `${model.label} ${Object.entries(cells)
          .map(([source, text]) => `${text} ${SOURCES[source].toLowerCase()}`)
          .join(", ")}`,
    );
    hit.setAttribute(
      "aria-valuenow",
      Math.round((100 * (drawn.x(amount) - LEFT)) / (drawn.x(data.amounts.at(-1)) - LEFT)),
    );
    hit.setAttribute(
      "aria-valuetext",
      `${amountOf(amount)}: ${[...said, ...others.map((one) => `published: ${one.text}, ${one.source}`)].join("; ")}`,
    );
  }

  return { paint };
}

// The mark of a source, for legends: a small SVG in the text's colour.
export function sourceSample(source) {
  const own = svg("svg", {
    class: "m-sample",
    width: source === "live" ? 22 : 12,
    height: 12,
    "aria-hidden": "true",
    "data-source": source,
  });
  if (source === "live")
    own.append(svg("path", { class: "band", d: "M0 1h22v10h-22Z" }), svg("path", { class: "line", d: "M0 6h22" }));
  else own.append(svg("path", { class: "mark", d: SHAPES[source](6, 6) }));
  return own;
}
