// Pointers on a canvas: one that is down drags, two stretch, a hovering one is followed, a wheel zooms. Places are in the
// canvas's own pixels.

/** @import { PointerActs, XY } from "../types.d.ts" */

const WHEEL = 50; // px of turning per step of zoom; a trackpad sends many small turns

/** @type {(canvas: HTMLCanvasElement, acts: PointerActs) => void} */
export function followPointers(canvas, { pan, zoom, stretch, hover, leave }) {
  /** @type {Map<number, XY>} */
  const down = new Map();
  let distance = 1; // between two pointers when the second came down
  let turned = 0;
  /** @type {(event: MouseEvent) => XY} */
  const at = (event) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    const ratio = canvas.width / width;
    return { x: (event.clientX - left) * ratio, y: (event.clientY - top) * ratio };
  };
  const both = () => {
    const [a, b] = [...down.values()];
    return { apart: Math.hypot(a.x - b.x, a.y - b.y), middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } };
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at(event));
    if (down.size !== 2) return;
    const { apart, middle } = both();
    distance = Math.max(1, apart);
    stretch(null, middle);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [now, before] = [at(event), down.get(event.pointerId)];
    hover(now);
    if (!before) return;
    down.set(event.pointerId, now);
    if (down.size === 1) pan(now.x - before.x, now.y - before.y);
    if (down.size !== 2) return;
    const { apart, middle } = both();
    stretch(apart / distance, middle);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => down.delete(/** @type {PointerEvent} */ (event).pointerId));
  }
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      turned += event.deltaMode ? Math.sign(event.deltaY) * WHEEL : event.deltaY;
      if (Math.abs(turned) < WHEEL) return;
      zoom(turned < 0, at(event));
      turned = 0;
    },
    { passive: false },
  );
}
