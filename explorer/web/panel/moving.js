// The part of a photograph that the models are given, moved: dragged on the picture, or by the arrow keys; Home centres it.

/** @import { Answer, ModelAnswer, Move, XY } from "../types.d.ts" */

const SLACK = 4; // px: less is a click, which enlarges the picture
const STEP = 0.05; // of the free room, per key
const HELP = "Drag the frame, or press the arrow keys, to move the part that the networks take. Click to enlarge.";
/** @type {Record<string, [number, number]>} */
const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

// The answer as it will be with that part elsewhere.
/** @type {(answer: Answer, at: [number, number]) => Answer} */
export function movedTo(answer, at) {
  /** @type {(model: ModelAnswer) => ModelAnswer} */
  const elsewhere = (model) => {
    if (!model.window) return model;
    const [left, top, right, bottom] = model.window;
    const [across, down] = [right - left, bottom - top];
    const [x, y] = [(1 - across) * at[0], (1 - down) * at[1]];
    return { ...model, window: [x, y, x + across, y + down] };
  };
  return { ...answer, window: at, models: answer.models.map(elsewhere) };
}

// The room to move in, as shares of the picture's width and height: the baseline's, or where it has none any model's.
/** @type {(answer: Answer) => XY} */
export function roomOf({ models }) {
  const parts = models.flatMap(({ window }) => (window ? [window] : []));
  const across = parts.map(([left, , right]) => 1 - right + left);
  const down = parts.map(([, top, , bottom]) => 1 - bottom + top);
  const [x, y] = [across, down].map((free) => (free[0] > 1e-6 ? free[0] : Math.max(0, ...free)));
  return { x: x > 1e-6 ? x : 0, y: y > 1e-6 ? y : 0 };
}

// `paint(answer)` draws the frames; without `move` nothing moves.
/** @type {(move: Move | undefined, paint: (answer: Answer) => void) => { paint: (answer: Answer) => void; follow: (frame: HTMLElement) => void }} */
export function makeMoving(move, paint) {
  /** @type {Answer | null} */
  let shown = null;
  /** @type {{ from: XY; window: [number, number]; at: [number, number]; begun: boolean } | null} */
  let drag = null;
  /** @type {HTMLElement[]} */
  const frames = [];

  const room = () => (move && shown?.window ? roomOf(shown) : { x: 0, y: 0 });

  /** @type {(at: [number, number], live: boolean) => void} */
  function put(at, live) {
    if (!shown) return;
    paint(movedTo(shown, at));
    move?.(at, { live });
  }

  /** @type {(frame: HTMLElement) => void} */
  function follow(frame) {
    frames.push(frame);
    frame.addEventListener("pointerdown", (event) => {
      const { x, y } = room();
      if (!shown?.window || event.button !== 0 || !(x || y)) return;
      drag = { from: { x: event.clientX, y: event.clientY }, window: shown.window, at: shown.window, begun: false };
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("dragstart", (event) => event.preventDefault()); // the browser would carry the picture off
    frame.addEventListener("pointermove", (event) => {
      if (!drag || !shown) return;
      const [dx, dy] = [event.clientX - drag.from.x, event.clientY - drag.from.y];
      if (!drag.begun && Math.hypot(dx, dy) < SLACK) return;
      drag.begun = true;
      const { x, y } = room();
      const [width, height] = shown.size;
      const side = frame.clientWidth / Math.max(width, height); // px on screen per px of the photograph
      drag.at = [shifted(drag.window[0], dx, x * width * side), shifted(drag.window[1], dy, y * height * side)];
      put(drag.at, true);
    });
    frame.addEventListener("pointerup", () => {
      if (drag?.begun) put(drag.at, false);
      if (!drag?.begun) drag = null; // else the click that follows ends it
    });
    frame.addEventListener("pointercancel", () => {
      if (drag?.begun) put(drag.at, false);
      drag = null;
    });
    frame.addEventListener(
      "click",
      (event) => {
        if (drag?.begun) event.stopImmediatePropagation();
        drag = null;
      },
      { capture: true },
    );
    frame.addEventListener("keydown", (event) => {
      const { x, y } = room();
      if (!shown?.window || !(x || y) || event.altKey || event.ctrlKey || event.metaKey) return;
      const step = KEYS[event.key];
      if (!step && event.key !== "Home") return;
      event.preventDefault();
      const [across, down] = shown.window;
      const at = step ? [x ? across + step[0] : across, y ? down + step[1] : down] : [0.5, 0.5];
      shown = movedTo(shown, [share(at[0]), share(at[1])]); // the next key counts from here
      put(/** @type {[number, number]} */ (shown.window), false);
    });
  }

  return {
    follow,
    paint(answer) {
      shown = answer;
      const { x, y } = room();
      for (const frame of frames) {
        frame.classList.toggle("movable", Boolean(x || y));
        if (x || y) frame.title = HELP;
        else frame.removeAttribute("title");
      }
      paint(drag?.begun ? movedTo(answer, drag.at) : answer);
    },
  };
}

/** @type {(value: number) => number} */
function share(value) {
  return Math.round(1000 * Math.min(Math.max(value, 0), 1)) / 1000;
}

/** @type {(from: number, by: number, room: number) => number} */
function shifted(from, by, room) {
  return room ? share(from + by / room) : from;
}
