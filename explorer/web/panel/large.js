// The pictures in a window as large as the page: side by side or one wiped over the other, with zoom and pan in step.
//
//   const large = makeLarge(root, () => sources)    sources: { clean, distorted, difference, pixels } or null
//   large.open()
//   large.draw()                                    the sources have changed

/** @import { LargeSources, Size, XY, Viewport } from "../types.d.ts" */

import { make, setText } from "../shared/dom.js";
import { followPointers } from "./pointers.js";
import { fitted, moved, nextScale, pixelAt, scaleBelow, scaledTo } from "./viewport.js";

const STEP = 48; // device px per arrow key
const KEYS = "Scroll or + and − to zoom, drag or arrow keys to move, 0 to fit, 1 for 1:1, W to wipe.";
/** @type {["clean", "distorted", "difference"]} */
const NAMES = ["clean", "distorted", "difference"];

/** @type {(root: HTMLElement, sources: () => LargeSources | null) => { open: () => void; draw: () => void }} */
export function makeLarge(root, sources) {
  let wiping = false; // kept for the next time
  let split = 0.5; // share of the stage that shows the clean picture
  /** @type {HTMLDialogElement | null} */
  let dialog = null;
  let draw = () => {};

  function open() {
    const given = sources();
    if (!given || dialog) return;
    let shown = given;
    /** @type {Viewport | null} */
    let view = null;
    let whole = true; // follows the size of the window until somebody zooms

    const level = make("output", { class: "level", title: "Device pixels per pixel of the picture" });
    const modes = { side: button("Side by side", () => show(false)), wipe: button("Wipe", () => show(true)) };
    const stages = NAMES.map((name) => makeStage(name));
    const handle = make("div", {
      class: "handle",
      role: "slider",
      tabindex: 0,
      "aria-label": "Where the clean picture ends",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
    });
    stages[0].box.append(handle);
    const readout = make("p", { class: "readout", role: "status" }, KEYS);
    const made = make(
      "dialog",
      { class: "large", "aria-label": "The pictures, enlarged" },
      make(
        "header",
        {},
        make("div", { class: "group", role: "group", "aria-label": "Arrangement" }, modes.side, modes.wipe),
        make(
          "div",
          { class: "group", role: "group", "aria-label": "Zoom" },
          button("−", () => zoom(false), "Smaller"),
          level,
          button("+", () => zoom(true), "Larger"),
          button("Fit", fit),
          button("1:1", () => setScale(1), "One device pixel per pixel"),
        ),
        button("×", () => made.close(), "Close"),
      ),
      make("div", { class: "stages" }, ...stages.map(({ figure }) => figure)),
      readout,
    );
    dialog = made;

    /** @type {(name: typeof NAMES[number]) => { name: typeof name; figure: HTMLElement; box: HTMLElement; canvas: HTMLCanvasElement; caption: HTMLElement }} */
    function makeStage(name) {
      const canvas = make("canvas", { role: "img", "aria-label": `${name} picture, enlarged` });
      const box = make("div", { class: "stage" }, canvas);
      const caption = make("figcaption", {}, name);
      followPointers(canvas, { pan, zoom, stretch, hover: read, leave: () => setText(readout, KEYS) });
      return { name, figure: make("figure", {}, box, caption), box, canvas, caption };
    }

    /** @type {() => Size} */
    const picture = () => ({ width: shown.clean.naturalWidth, height: shown.clean.naturalHeight });
    /** @type {() => Size} */
    const stage = () => stages[0].canvas;
    const centre = () => ({ x: stage().width / 2, y: stage().height / 2 });

    /** @type {(wipe: boolean) => void} */
    function show(wipe) {
      wiping = wipe;
      made.classList.toggle("wiping", wipe);
      modes.side.setAttribute("aria-pressed", String(!wipe));
      modes.wipe.setAttribute("aria-pressed", String(wipe));
      for (const { figure, name } of stages) figure.hidden = wipe && name !== "clean";
      setText(stages[0].caption, wipe ? "clean | distorted" : "clean");
      paint();
    }
    function fit() {
      whole = true;
      paint();
    }
    /** @type {(scale: number, at?: XY) => void} */
    function setScale(scale, at = centre()) {
      if (!view) return;
      whole = false;
      view = scaledTo(view, scale, at, picture(), stage());
      paint();
    }
    const least = () => Math.min(1, fitted(picture(), stage()).scale);
    /** @type {(larger: boolean, at?: XY) => void} */
    function zoom(larger, at) {
      if (view) setScale(nextScale(view.scale, larger, least()), at);
    }
    // Two fingers ask for a multiple of the scale at which they came down.
    let pinched = 1;
    /** @type {(factor: number | null, at: XY) => void} */
    function stretch(factor, at) {
      if (!view) return;
      if (factor === null) pinched = view.scale;
      else setScale(scaleBelow(pinched * factor, least()), at);
    }
    /** @type {(x: number, y: number) => void} */
    function pan(x, y) {
      if (!view) return;
      whole = false;
      view = moved(view, { x, y }, picture(), stage());
      paint();
    }

    function paint() {
      const ratio = window.devicePixelRatio || 1;
      for (const { canvas, figure } of stages) {
        if (figure.hidden) continue;
        const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
        if (canvas.width !== width) canvas.width = width;
        if (canvas.height !== height) canvas.height = height;
      }
      if (!stage().width || !stage().height) return;
      view = whole || !view ? fitted(picture(), stage()) : moved(view, { x: 0, y: 0 }, picture(), stage());
      for (const one of stages) {
        if (one.figure.hidden) continue;
        const context = /** @type {CanvasRenderingContext2D} */ (one.canvas.getContext("2d"));
        context.clearRect(0, 0, one.canvas.width, one.canvas.height);
        context.imageSmoothingEnabled = view.scale < 1;
        place(context, shown[one.name], view);
        if (wiping) {
          const edge = Math.round(split * one.canvas.width);
          context.save();
          context.beginPath();
          context.rect(edge, 0, one.canvas.width - edge, one.canvas.height);
          context.clip();
          context.clearRect(edge, 0, one.canvas.width - edge, one.canvas.height);
          place(context, shown.distorted, view);
          context.restore();
        }
      }
      handle.style.left = `${100 * split}%`;
      handle.setAttribute("aria-valuenow", String(Math.round(100 * split)));
      setText(level, view.scale >= 1 ? `${view.scale}:1` : `1:${Number((1 / view.scale).toFixed(1))}`);
    }
    /** @type {(context: CanvasRenderingContext2D, source: CanvasImageSource, view: Viewport) => void} */
    function place(context, source, { scale, x, y }) {
      context.drawImage(source, x, y, picture().width * scale, picture().height * scale);
    }

    /** @type {(at: XY) => void} */
    function read(at) {
      const pixel = view && pixelAt(view, at, picture());
      if (!pixel) return setText(readout, KEYS);
      const values = (/** @type {ImageData} */ { data, width }) => {
        const start = 4 * (pixel.y * width + pixel.x);
        return [data[start], data[start + 1], data[start + 2]];
      };
      const [before, after] = [values(shown.pixels.clean), values(shown.pixels.distorted)];
      const change = after.map((value, i) => value - before[i]).map((value) => (value > 0 ? `+${value}` : `${value}`));
      setText(
        readout,
        `Column ${pixel.x}, row ${pixel.y}: clean ${before.join(" ")}, distorted ${after.join(" ")}, ` +
          `difference ${change.join(" ").replaceAll("-", "−")} (red, green, blue of 255)`,
      );
    }

    /** @type {(to: number) => void} */
    function wipeTo(to) {
      split = Math.min(1, Math.max(0, to));
      paint();
    }
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { left, width } = stages[0].box.getBoundingClientRect();
      wipeTo((event.clientX - left) / width);
    });
    made.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { key } = event;
      const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
      if (event.target === handle && arrow) wipeTo(split - 0.02 * (arrow[0] - arrow[1]));
      else if (arrow) pan(STEP * arrow[0], STEP * arrow[1]);
      else if (key === "+" || key === "=") zoom(true);
      else if (key === "-") zoom(false);
      else if (key === "0") fit();
      else if (key === "1") setScale(1);
      else if (key.toLowerCase() === "w") show(!wiping);
      else if (key !== "Escape" && key !== "Tab" && key !== "Enter" && key !== " ") return;
      event.stopPropagation(); // the keys of the page or the notebook around it are others
      if (!["Escape", "Tab", "Enter", " "].includes(key)) event.preventDefault();
    });

    const sizes = new ResizeObserver(paint);
    made.addEventListener("close", () => {
      sizes.disconnect();
      made.remove();
      dialog = null;
      draw = () => {};
    });
    root.append(made);
    made.showModal();
    for (const { box } of stages) sizes.observe(box);
    draw = () => {
      shown = sources() ?? shown;
      paint();
    };
    show(wiping);
  }

  return { open, draw: () => draw() };
}

/** @type {(text: string, act: () => void, label?: string) => HTMLButtonElement} */
function button(text, act, label) {
  const made = make("button", { "aria-label": label, title: label }, text);
  made.addEventListener("click", act);
  return made;
}
