// The chart of the page "Methods": accuracy against the amount of one distortion. Its numbers come from four places, each
// with a mark of its own: measured here (lines with bands), the models' cards, shipped surveys, and what others published.
// A line joins numbers of one place only.

/** @import { DrawnMethods, LabelledModel, LiveModel, MethodsData, PublishedValue } from "../types.d.ts" */

import { drawChart, endsOf } from "../shared/chart.js";
import { dot, focusedAmong, make, svg } from "../shared/dom.js";
import { count, shownAmount } from "../shared/format.js";
import { dots, endLabels, lines, pointMark, SHAPES, sourceSample } from "./marks.js";
import { axisStart, near, SOURCE_LABELS, sentencesOf, valuesAt } from "./values.js";

const [LEFT, TOP, BOTTOM, LABELS, TALL] = [42, 30, 40, 152, 340]; // px
const ROOM = 620; // px from which names are written at the ends of the lines
// `data`: { distortion, amounts, models, archs, live, points, published, hidden }; `hidden`: a Set of the SOURCE_LABELS left out.
/** @type {(parts: { element: HTMLElement }) => { paint: (newest: MethodsData) => void }} */
export function makeMethodChart({ element }) {
  const drawing = make("div", { class: "m-drawing" });
  const readout = make("div", { class: "m-readout", hidden: "" });
  const names = make("div", { class: "m-names" });
  element.append(make("div", { class: "m-plot" }, drawing, readout), names);
  /** @type {MethodsData | null} */
  let data = null;
  // The data that are drawn.
  const shown = () => /** @type {MethodsData} */ (data);
  let width = 0;
  /** @type {DrawnMethods | null} */
  let drawn = null; // what draw made
  /** @type {number | null} */
  let reading = null; // the amount that is read
  new ResizeObserver(() => data && Math.abs(drawing.clientWidth - width) > 1 && draw()).observe(drawing);

  /** @type {(newest: MethodsData) => void} */
  function paint(newest) {
    data = newest;
    draw();
  }

  function draw() {
    width = drawing.clientWidth;
    if (!width || !data) return; // not on screen: the observer calls again
    const had = { hit: drawn?.hit.matches(":focus"), mark: focusedAmong(drawn?.marks ?? []) };
    hide();
    const { distortion, hidden } = data;
    const [mild, strong] = endsOf(data);
    const across = width - LEFT - (width >= ROOM ? LABELS : 14);
    /** @type {(amount: number) => number} */
    const x = (amount) => LEFT + ((amount - mild) / (strong - mild)) * across;
    /** @type {(amount: number) => boolean} */
    const inside = (amount) => x(amount) > LEFT - 1 && x(amount) < LEFT + across + 1;
    const live = hidden.has("live") ? null : data.live;
    const height = TOP + TALL + BOTTOM;
    const drawingOf = svg("svg", {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "group",
      "aria-label": `Accuracy against ${distortion.title}`,
    });
    /** @type {(one: LiveModel) => LabelledModel & { accuracy: number[]; band: { accuracy: LiveModel } }} */
    const curveOf = (one) => ({ ...named(one.name), accuracy: one.accuracy, band: { accuracy: one } });
    const models = live ? live.models.map(curveOf) : [];
    const frame = { ...distortion, amounts: live?.amounts ?? [mild, strong], models };
    const points = data.points.filter((one) => !hidden.has(one.source) && inside(one.amount));
    const published = data.published.filter((one) => !hidden.has(one.provenance) && inside(one.amount));
    const from = axisStart([
      ...points.map((one) => one.low),
      ...published.map((one) => one.accuracy),
      ...(live?.models.flatMap((one) => one.low) ?? []),
    ]);
    const chart = drawChart(frame, {
      ...{ key: "accuracy", title: "Accuracy", help: "Share of the images that a model classifies correctly" },
      ...{ high: 1, percent: true, steps: from ? 5 : 4, from, tall: TALL, x: LEFT, y: TOP, across },
    });
    const { hit, py: y } = chart;
    drawingOf.append(chart.group);
    const hover = svg("path", { class: "m-hover", d: `M0 ${TOP - 4}v${TALL + 4}`, transform: "translate(-9999 0)" });
    const joined = live
      ? null
      : ["survey", "card"].find((source) => points.some((one) => one.source === source && !near(one.amount, mild)));
    const thin = live
      ? null
      : lines(
          data.models,
          points.filter((one) => one.source === joined),
          x,
          y,
        );
    const end = endsOf(frame)[1];
    const ends =
      thin?.ends ?? models.map((one) => ({ ...one, x: x(end), y: y(one.accuracy[one.accuracy.length - 1]) }));
    drawingOf.append(...(thin?.paths ?? models.map((one) => dots(one, frame.amounts, x, y))));
    drawingOf.append(hover, hit, ...points.map((one) => pointMark(one, named(one.model).method, x, y)));
    const left = Math.max(0, ...ends.map((one) => one.x)) + 12;
    if (width >= ROOM) drawingOf.append(endLabels(ends, left, { top: TOP, bottom: TOP + TALL }));
    names.hidden = width >= ROOM;
    names.replaceChildren(...data.models.map((one) => make("span", { "data-method": one.method }, dot(), one.label)));
    const marks = published.map((one) => theirMark(one, x, y));
    if (marks.length) drawingOf.append(group(marks, published));
    const all = [
      ...(live?.amounts ?? []),
      ...points.map((one) => one.amount),
      ...published.map((one) => one.amount),
    ].sort((a, b) => x(a) - x(b));
    const made = {
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
    drawn = made;
    if (!made.at.some((one) => near(one, reading ?? one))) reading = null; // the amounts are others now
    wire(made, across);
    drawing.replaceChildren(drawingOf);
    if (had.hit) hit.focus();
    if (had.mark >= 0) marks[had.mark]?.focus();
    tell();
  }

  /** @type {(name: string) => LabelledModel} */
  const named = (name) => /** @type {LabelledModel} */ (data?.models.find((one) => one.name === name));

  // ---- marks ----------------------------------------------------------------------------------------------------

  /** @type {(value: PublishedValue, x: (amount: number) => number, y: (share: number) => number) => SVGPathElement} */
  function theirMark(value, x, y) {
    const mark = svg("path", {
      class: "m-theirs",
      "data-method": value.method,
      "data-source": value.provenance,
      d: SHAPES[value.provenance](x(value.amount), y(value.accuracy)),
      role: "img",
      tabindex: -1,
      "aria-label": sentencesOf(value, shown()).join(" "),
    });
    mark.addEventListener("pointerenter", () => show(value, x, y));
    mark.addEventListener("pointerleave", () => document.activeElement !== mark && hide());
    mark.addEventListener("focus", () => show(value, x, y));
    mark.addEventListener("blur", hide);
    return mark;
  }

  // All of others' values are one stop of the Tab key; arrows go from one to the next.
  /** @type {(marks: SVGPathElement[], values: PublishedValue[]) => SVGGElement} */
  function group(marks, values) {
    const markGroup = svg("g", {
      role: "group",
      "aria-label": `${values.length} published values; arrow keys go from one to the next`,
    });
    marks[0].setAttribute("tabindex", "0");
    markGroup.append(...marks);
    markGroup.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const i = focusedAmong(marks);
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
      marks.forEach((mark) => mark.setAttribute("tabindex", mark === next ? "0" : "-1"));
      next.focus();
    });
    return markGroup;
  }

  // ---- reading --------------------------------------------------------------------------------------------------

  /** @type {(drawn: DrawnMethods, across: number) => void} */
  function wire({ hit, at, x }, across) {
    hit.addEventListener("pointermove", ({ clientX }) => {
      const box = hit.getBoundingClientRect();
      const px = LEFT + ((clientX - box.left) / box.width) * across;
      const far = at.map((amount) => Math.abs(x(amount) - px));
      if (far.length) read(at[far.indexOf(Math.min(...far))]);
    });
    hit.addEventListener("pointerleave", () => document.activeElement !== hit && hide());
    hit.addEventListener("focus", () => hit.matches(":focus-visible") && at.length && read(reading ?? at[0]));
    hit.addEventListener("blur", hide);
    hit.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const i = at.findIndex((one) => near(one, reading ?? at[0]));
      const last = at.length - 1;
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
      read(at[Math.min(Math.max(to, 0), last)]);
    });
  }

  /** @type {(amount: number, drawn: DrawnMethods) => ReturnType<typeof valuesAt>} */
  const numbersAt = (amount, drawn) => valuesAt(amount, { ...drawn, models: shown().models });
  /** @type {(amount: number) => string} */
  const amountOf = (amount) => (near(amount, shown().amounts[0]) ? "clean" : shownAmount(shown().distortion, amount));

  /** @type {(amount: number) => void} */
  function read(amount) {
    if (!drawn) return;
    reading = amount;
    const { x, hover, live, points } = drawn;
    const { rows, others } = numbersAt(amount, drawn);
    const used = Object.keys(SOURCE_LABELS).filter((source) => rows.some(({ cells }) => cells[source]));
    /** @type {(source: string) => string} */
    const images = (source) => count((source === "live" ? live : points.find((one) => one.source === source))?.n ?? 0);
    const head = make(
      "tr",
      {},
      make("th", {}),
      ...used.map((source) => make("th", { scope: "col" }, `${SOURCE_LABELS[source]}, n = ${images(source)}`)),
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
      x(amount),
      TOP,
      make("b", {}, amountOf(amount)),
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)),
      ...theirs,
    );
    hover.setAttribute("transform", `translate(${x(amount)} 0)`);
    tell();
  }

  /** @type {(value: PublishedValue, x: (amount: number) => number, y: (share: number) => number) => void} */
  function show(value, x, y) {
    const [first, ...rest] = sentencesOf(value, shown());
    const [title, ...more] = first.split(": ");
    readout.classList.add("one"); // before it is measured
    position(
      x(value.amount),
      y(value.accuracy),
      make(
        "p",
        { "data-method": value.method },
        sourceSample(value.provenance),
        make("b", {}, title),
        make("span", {}, more.join(": ")),
      ),
      ...rest.map((text) => make("p", { class: "soft" }, text)),
    );
  }

  // Beside what it is about, on the side with more room, never over it.
  /** @type {(x: number, y: number, ...content: HTMLElement[]) => void} */
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
    if (!drawn) return;
    const { hit, at, x } = drawn;
    const amount = reading ?? at[0];
    if (amount === undefined) return hit.setAttribute("aria-valuetext", "No number yet");
    const { rows, others } = numbersAt(amount, drawn);
    const said = rows.map(
      ({ model, cells }) =>
        `${model.label} ${Object.entries(cells)
          .map(([source, text]) => `${text} ${SOURCE_LABELS[source].toLowerCase()}`)
          .join(", ")}`,
    );
    const [, strong] = endsOf(shown());
    hit.setAttribute("aria-valuenow", String(Math.round((100 * (x(amount) - LEFT)) / (x(strong) - LEFT))));
    hit.setAttribute(
      "aria-valuetext",
      `${amountOf(amount)}: ${[...said, ...others.map((one) => `published: ${one.text}, ${one.source}`)].join("; ")}`,
    );
  }

  return { paint };
}
