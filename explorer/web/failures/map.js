// The pane "Map": the cases as one model's features place them on a plane; those close together look alike to it. A loop
// drawn around some, or a circle moved by keys, picks them.

/** @import { FeatureMap, Pane, PaneParts, Point, Progress, Quadrant, Side } from "../types.d.ts" */

import { make, smallMenu, svg } from "../shared/dom.js";
import { count, counted } from "../shared/format.js";

const MARGIN = 26; // px around the points

/** @type {(parts: PaneParts) => Pane} */
export function makeFeatureMap({ element, world, jobs }) {
  const { chosen } = world;
  const lead = make("p", { class: "lead" });
  const method = smallMenu(
    "Map by",
    "PCA is there at once and the same every time; UMAP keeps neighbours together and takes a while",
    make("option", { value: "pca" }, "PCA"),
    make("option", { value: "umap" }, "UMAP"),
  );
  const far = make("small", { role: "status" });
  const key = make("span", { class: "f-key" });
  const stage = make("div", {
    class: "f-map",
    tabindex: 0,
    role: "application",
    "aria-label":
      "Map of the cases. Arrow keys move a circle, plus and minus change its size, Enter picks the cases in it.",
  });
  const preview = make("figure", { class: "f-preview", hidden: "" });
  element.append(lead, make("div", { class: "f-line" }, make("label", {}, "Map by ", method), key, far), stage);
  /** @type {FeatureMap | null} */
  let found = null; // the map on screen
  let drawn = ""; // what it was asked for
  let pending = ""; // what is being worked on
  /** @type {Point[]} */
  let points = []; // [x, y] in px per case
  const lasso = svg("path", { class: "f-lasso" });
  const ring = svg("circle", { class: "f-ring", r: 0 });
  /** @type {Point[] | null} */
  let loop = null; // points of the lasso
  /** @type {{ x: number; y: number; r: number } | null} */
  let circle = null; // { x, y, r } moved by keys
  /** @type {number | null} */
  let shown = null; // the case of the preview

  method.addEventListener("change", update);
  new ResizeObserver(() => found && paint()).observe(stage);

  async function update() {
    const survey = world.survey();
    const question = { survey: survey.key, pair: survey.pair, filters: { ...chosen.filters }, method: method.value };
    const mine = JSON.stringify([question, survey.done]);
    if (mine === pending) return;
    if (mine === drawn) {
      if (pending) rest(); // what is on screen is wanted again: what is computed meanwhile must not replace it
      jobs.cancel("survey-map");
      return;
    }
    pending = mine;
    stage.setAttribute("aria-busy", "true");
    far.textContent = "Looking into the network …";
    /** @type {Progress} */
    const progress = (done, total) => {
      if (total) far.textContent = `${count(done)} of ${count(total)} pictures processed`;
    };
    const answer = await jobs.run("survey_map", question, { key: "survey-map", progress });
    if (pending !== mine) return;
    rest();
    if (!answer) return; // cancelled: the next time it is asked for again
    if (answer.error) {
      found = null;
      drawn = "";
      stage.replaceChildren(make("p", { class: "f-empty", role: "alert" }, answer.error));
      return;
    }
    found = answer;
    drawn = mine;
    circle = null;
    tell(answer);
    paintKey(answer);
    paint();
  }

  function rest() {
    pending = "";
    stage.removeAttribute("aria-busy");
    far.textContent = "";
  }

  /** @type {(found: FeatureMap) => void} */
  function tell(found) {
    const part =
      found.total > found.cases.length
        ? `${count(found.cases.length)} of the ${count(found.total)} cases, evenly picked`
        : counted(found.cases.length, "case");
    const kept =
      found.explained === null
        ? "Neighbours are kept together; distances mean nothing."
        : `The two axes hold ${Math.round(100 * found.explained)} % of the features' variance.`;
    lead.textContent = `${part} as ${world.nameOf(found.model)} sees the distorted pictures (penultimate features). ${kept} Draw a loop around some to see them; choose the model at the left.`;
  }

  /** @type {(found: FeatureMap) => void} */
  function paintKey(found) {
    const names = {
      only_baseline_fails: `only ${world.nameOf(world.side("baseline"))} fails`,
      only_other_fails: `only ${world.nameOf(world.side("other"))} fails`,
      both_fail: "both fail",
      neither_fails: "neither fails",
    };
    key.replaceChildren(
      ...found.names
        .filter((_, i) => found.quadrants.includes(i))
        .map((name) => {
          const icon = svg("svg", { width: 14, height: 14, "aria-hidden": "true" });
          icon.append(dot(7, 7, name));
          return make("span", {}, icon, names[name]);
        }),
    );
  }

  // A shape and a colour of its own for each of the four.
  /** @type {(x: number, y: number, name: Quadrant) => SVGElement} */
  function dot(x, y, name) {
    /** @type {Side | null} */
    const which = name === "only_baseline_fails" ? "baseline" : name === "only_other_fails" ? "other" : null;
    const shape =
      which === "other"
        ? `M${x} ${y - 4.6}l4.6 4.6l-4.6 4.6l-4.6-4.6Z`
        : `M${x - 3.6} ${y}a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0Z`;
    return svg("path", {
      d: shape,
      class: `f-dot ${name}`,
      ...(which ? { "data-method": world.methodOf(world.side(which)) } : {}),
    });
  }

  function paint() {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !found) return;
    const { cases, x, y, quadrants, names } = found;
    /** @type {(values: number[]) => [low: number, size: number]} */
    const span = (values) => [Math.min(...values), Math.max(...values) - Math.min(...values) || 1];
    const [[left, wide], [low, tall]] = [span(x), span(y)];
    points = cases.map((_, i) => [
      MARGIN + ((width - 2 * MARGIN) * (x[i] - left)) / wide,
      height - MARGIN - ((height - 2 * MARGIN) * (y[i] - low)) / tall,
    ]);
    const drawing = svg("svg", { width, height, "aria-hidden": "true" });
    const order = cases.map((_, i) => i).sort((a, b) => quadrants[b] - quadrants[a]); // cases that one model fails alone are on top
    drawing.append(...order.map((i) => dot(...points[i], names[quadrants[i]])));
    drawing.append(lasso, ring);
    stage.replaceChildren(drawing, preview);
    paintRing();
  }

  // ---- picking ----------------------------------------------------------------------------------------------------

  /** @type {(event: MouseEvent) => Point} */
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (!found || event.button) return;
    stage.setPointerCapture(event.pointerId);
    loop = [at(event)];
    preview.hidden = true;
  });
  stage.addEventListener("pointermove", (event) => {
    if (!found) return;
    if (!loop) return showNearest(at(event));
    loop.push(at(event));
    lasso.setAttribute("d", `M${loop.map((point) => point.join(" ")).join("L")}Z`);
  });
  stage.addEventListener("pointerup", () => {
    if (!loop) return;
    const drawnLoop = loop;
    stop();
    if (drawnLoop.length > 3) pick(points.map((point) => inside(point, drawnLoop)));
  });
  stage.addEventListener("pointercancel", stop);
  stage.addEventListener("pointerleave", () => {
    preview.hidden = true;
  });
  stage.addEventListener("keydown", (event) => {
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 14;
    circle ??= { x: stage.clientWidth / 2, y: stage.clientHeight / 2, r: 60 };
    /** @type {Record<string, ["x" | "y" | "r", number]>} */
    const moves = {
      ArrowRight: ["x", step],
      ArrowLeft: ["x", -step],
      ArrowDown: ["y", step],
      ArrowUp: ["y", -step],
      "+": ["r", 10],
      "=": ["r", 10],
      "-": ["r", -10],
    };
    if (moves[event.key]) {
      const [what, by] = moves[event.key];
      circle[what] = Math.max(what === "r" ? 10 : 0, circle[what] + by);
      paintRing();
    } else if (event.key === "Enter") pick(within(circle));
    else return;
    event.preventDefault();
  });

  /** @type {(circle: { x: number; y: number; r: number }) => boolean[]} */
  const within = (circle) => points.map(([x, y]) => (x - circle.x) ** 2 + (y - circle.y) ** 2 <= circle.r ** 2);

  function paintRing() {
    if (!circle) return;
    ring.setAttribute("cx", String(circle.x));
    ring.setAttribute("cy", String(circle.y));
    ring.setAttribute("r", String(circle.r));
    far.textContent = `${counted(within(circle).filter(Boolean).length, "case")} in the circle`;
  }

  function stop() {
    loop = null;
    lasso.removeAttribute("d");
  }

  /** @type {(flags: boolean[]) => void} */
  function pick(flags) {
    const cases = (found?.cases ?? []).filter((_, i) => flags[i]);
    if (!cases.length) {
      far.textContent = "There is no case inside.";
      return;
    }
    world.show("gallery"); // first, or the map of these cases is computed for nobody
    world.filter({ cases });
  }

  // The case nearest to the pointer shows its picture.
  /** @type {(point: Point) => Promise<void>} */
  async function showNearest([x, y]) {
    let [nearest, best] = [-1, 100];
    points.forEach(([px, py], i) => {
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away < best) [nearest, best] = [i, away];
    });
    const id = found?.cases[nearest] ?? null;
    if (id === shown && !preview.hidden === (id !== null)) return;
    shown = id;
    preview.hidden = id === null;
    if (id === null) return;
    const answer = await world.ask("pictures", { cases: [id] });
    if (shown !== id || !answer.pictures) return;
    preview.replaceChildren(make("img", { src: answer.pictures[id], alt: "" }));
    const [px, py] = points[nearest];
    preview.style.left = `${px + 120 > stage.clientWidth ? px - 106 : px + 12}px`;
    preview.style.top = `${py + 120 > stage.clientHeight ? py - 106 : py + 12}px`;
  }

  return { update, shown: () => found && paint() };
}

// Whether a point lies inside a closed line: a ray from it crosses the line an odd number of times.
/** @type {(point: Point, line: Point[]) => boolean} */
export function inside([x, y], line) {
  let odd = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[ax, ay], [bx, by]] = [line[i], line[j]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}
