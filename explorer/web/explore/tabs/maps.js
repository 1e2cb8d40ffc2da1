// Small maps of numbers that are viewed together: one zoom, one section and one cross-hair for all of them.
//
//   const maps = makeLinkedMaps({ element, describe, speak })   `element` holds the frames and listens to keys and pointer
//   maps.clear()
//   maps.frame({ map, label, under })    an element to be placed inside `element`; `map` is
//                                        { width, height, data, low, high, signed, solid }, base64 of one byte per value,
//                                        0 at low to 255 at high; `under`: address of the picture beneath it
//   maps.zoom(factor), maps.whole()
//
// A plain map goes from --track to --text. A signed one leaves 0 blank: above it solid in the method's --fill, below it
// hollow (a frame per value) in --text, so that the sign is seen without colour; where the map is too small on screen
// for that, `solid` fills them, and the cross-hair tells the sign. describe(text) is called with the position of the cross-hair,
// speak(text) the values as well when it was moved by a key. `[data-method]` around a frame gives its colour.

/** @import { LinkedMaps, MapFrame, NumberMap, Spot } from "../../types.d.ts" */

import { make, targetOf } from "../../shared/dom.js";
import { plain } from "../../shared/format.js";

const CLOSEST = 16;
const SPOKEN = 6; // maps whose values are spoken at most
const DOTS = 320; // of a map's side when drawn, about

/** @type {(options: { element: HTMLElement; describe?: (text: string) => void; speak?: (text: string) => void }) => LinkedMaps} */
export function makeLinkedMaps({ element, describe = () => {}, speak = () => {} }) {
  /** @type {MapFrame[]} */
  let frames = [];
  let view = { zoom: 1, x: 0, y: 0 }; // the left and upper edge, in parts of the picture's side
  /** @type {Spot | null} */
  let cross = null;
  /** @type {(Spot & { width: number; height: number; zoom: number; from: Spot }) | null} */
  let drag = null;

  element.tabIndex = 0;
  element.classList.add("linked");
  new MutationObserver(() => element.isConnected && frames.forEach(draw)).observe(document.body, {
    attributes: true,
    attributeFilter: ["class"],
  });

  /** @type {(map: { map: NumberMap; label: string; under?: string | null }) => HTMLElement} */
  function frame({ map, label, under = null }) {
    const sheet = make("div", { class: "sheet" });
    const box = make(
      "div",
      { class: "map", role: "img", "aria-label": label, title: label },
      sheet,
      make("i", { class: "across" }),
      make("i", { class: "down" }),
    );
    if (under) sheet.append(make("img", { src: under, alt: "", class: "dim", draggable: "false" }));
    const one = {
      frame: box,
      canvas: make("canvas"),
      read: make("span", { class: "read" }),
      label,
      map,
      values: decode(map),
    };
    sheet.append(one.canvas);
    if (one.values.length === 1) one.read.textContent = valueAt(map, one.values, { x: 0, y: 0 }); // there is only one
    frames.push(one);
    queueMicrotask(() => draw(one)); // its colours are known once it is on the page
    return make("div", { class: "framed" }, box, one.read);
  }

  function clear() {
    frames = [];
    point(null);
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------

  /** @type {(one: MapFrame) => void} */
  function draw({ frame: box, canvas, map, values }) {
    const style = getComputedStyle(box);
    /** @type {(name: string) => string} */
    const colour = (name) => style.getPropertyValue(name).trim() || "gray";
    const [track, text, fill] = ["--track", "--text", "--fill"].map(colour);
    const dot = map.signed && !map.solid ? Math.max(3, Math.min(10, Math.round(DOTS / map.width))) : 1;
    canvas.width = map.width * dot;
    canvas.height = map.height * dot;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    if (!map.signed) {
      pen.fillStyle = track;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }
    values.forEach((level, i) => {
      const [x, y] = [(i % map.width) * dot, Math.floor(i / map.width) * dot];
      const part = map.signed ? level / 127.5 - 1 : level / 255;
      if (Math.abs(part) < 0.004) return;
      pen.globalAlpha = Math.abs(part);
      pen.fillStyle = map.signed && part > 0 ? fill : text;
      pen.fillRect(x, y, dot, dot);
      if (dot > 1 && part < 0) pen.clearRect(x + 1, y + 1, dot - 2, dot - 2);
    });
  }

  function position() {
    view.zoom = Math.min(Math.max(view.zoom, 1), CLOSEST);
    const last = 1 - 1 / view.zoom;
    view.x = Math.min(Math.max(view.x, 0), last);
    view.y = Math.min(Math.max(view.y, 0), last);
    const { style } = element;
    style.setProperty("--zoom", String(view.zoom));
    style.setProperty("--left", `${-100 * view.x * view.zoom}%`);
    style.setProperty("--top", `${-100 * view.y * view.zoom}%`);
    element.classList.toggle("zoomed", view.zoom > 1);
    if (cross) {
      style.setProperty("--cross-x", `${100 * (cross.x - view.x) * view.zoom}%`);
      style.setProperty("--cross-y", `${100 * (cross.y - view.y) * view.zoom}%`);
    }
  }

  /** @type {(factor: number, at?: Spot) => void} */
  function zoom(factor, at = cross ?? { x: view.x + 0.5 / view.zoom, y: view.y + 0.5 / view.zoom }) {
    const before = view.zoom;
    view.zoom = Math.min(Math.max(before * factor, 1), CLOSEST);
    view.x = at.x - ((at.x - view.x) * before) / view.zoom; // what is under `at` stays there
    view.y = at.y - ((at.y - view.y) * before) / view.zoom;
    position();
  }

  function whole() {
    view = { zoom: 1, x: 0, y: 0 };
    position();
  }

  // Put the cross-hair there, or take it away: every map tells its value under it.
  /** @type {(to: Spot | null) => void} */
  function point(to) {
    cross = to;
    element.classList.toggle("crossed", Boolean(cross));
    for (const { map, values, read } of frames) {
      if (values.length > 1) read.textContent = cross ? valueAt(map, values, cross) : "";
    }
    describe(where());
    position();
  }

  function where() {
    const size = sizeOf();
    return cross ? `column ${Math.floor(cross.x * size) + 1}, row ${Math.floor(cross.y * size) + 1}` : "";
  }

  const sizeOf = () => Math.max(1, ...frames.map(({ map }) => map.width));

  // ---- pointer and keys ---------------------------------------------------------------------------------------------

  /** @type {(event: MouseEvent) => (Spot & { width: number; height: number }) | null} */
  function under(event) {
    const box = targetOf(event).closest?.(".map");
    if (!box) return null;
    const { left, top, width, height } = box.getBoundingClientRect();
    /** @type {(value: number) => number} */
    const part = (value) => Math.min(Math.max(value, 0), 0.999999);
    return {
      x: part(view.x + (event.clientX - left) / width / view.zoom),
      y: part(view.y + (event.clientY - top) / height / view.zoom),
      width,
      height,
    };
  }

  element.addEventListener("pointermove", (event) => {
    if (drag) {
      view.x = drag.x - (event.clientX - drag.from.x) / drag.width / view.zoom;
      view.y = drag.y - (event.clientY - drag.from.y) / drag.height / view.zoom;
      return position();
    }
    const at = under(event);
    if (at) point(at);
  });
  element.addEventListener("pointerleave", () => !drag && point(null));
  element.addEventListener("pointerdown", (event) => {
    const at = under(event);
    if (!at || event.button) return;
    point(at);
    if (view.zoom === 1) return;
    drag = { ...at, ...view, from: { x: event.clientX, y: event.clientY } };
    element.setPointerCapture(event.pointerId);
  });
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (drag = null));
  element.addEventListener("dblclick", (event) => {
    const at = under(event);
    if (at) zoom(2, at);
  });
  // With Ctrl, as on maps of the world; a pinch on a touchpad arrives as just that. Without it the page scrolls.
  /** @type {(event: WheelEvent) => void} */
  const turned = (event) => {
    const at = event.ctrlKey && under(event);
    if (!at) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, at);
  };
  element.addEventListener("wheel", turned, { passive: false });

  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.altKey || event.ctrlKey || event.metaKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way && event.shiftKey) {
      view.x += (0.1 * way[0]) / view.zoom;
      view.y += (0.1 * way[1]) / view.zoom;
      position();
    } else if (way) step(way);
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") whole();
    else if (event.key === "Escape" && cross) point(null);
    else return;
    event.preventDefault();
  });

  // One value further, the section following the cross-hair.
  /** @type {(way: number[]) => void} */
  function step([right, down]) {
    const size = sizeOf();
    const start = cross ?? { x: 0.5, y: 0.5 };
    /** @type {(part: number, by: number) => number} */
    const next = (part, by) =>
      (Math.min(Math.max(Math.floor(part * size) + (cross ? by : 0), 0), size - 1) + 0.5) / size;
    const to = { x: next(start.x, right), y: next(start.y, down) };
    for (const axis of /** @type {(keyof Spot)[]} */ (["x", "y"]))
      view[axis] = Math.min(Math.max(view[axis], to[axis] - 1 / view.zoom + 0.5 / size), to[axis] - 0.5 / size);
    point(to);
    const heard = frames.slice(0, SPOKEN);
    speak(`${where()}: ${heard.map(({ label, read }) => `${label} ${read.textContent}`).join(", ")}`);
  }

  position();
  return { frame, clear, zoom, whole };
}

/** @type {(map: { data: string }) => Uint8Array} */
function decode({ data }) {
  return Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
}

/** @type {(map: Omit<NumberMap, "data">, values: Uint8Array, spot: Spot) => string} */
export function valueAt({ width, height, low, high, signed }, values, { x, y }) {
  const level = values[Math.floor(y * height) * width + Math.floor(x * width)];
  const value = low + (level / 255) * (high - low);
  const small = (high - low) / 510; // of one level, half: less is not told
  if (Math.abs(value) <= small) return "0";
  const text = plain(Math.abs(value), 2);
  return value < 0 ? `−${text}` : signed ? `+${text}` : text;
}
