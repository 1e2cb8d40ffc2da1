// The notebook's host of the panel and its curves, an anywidget view: the kernel pushes answers, they are painted.
//
// Synced: `answer`, what panel.js paints, with `turn`, a number that grows, `live`, whether something is dragged, `curve`,
// the key of its curves (null: there are none), and `at`, where their line stands; `curves`, what curves.js draws, with
// their `key`, or `error`, a sentence; `snapshot_class`, the class of the picture stored for pages without a kernel, hidden where this view lives.

/** @import { Move, WidgetModel } from "../types.d.ts" */

import { mountCurves } from "../panel/curves.js";
import { mount } from "../panel/panel.js";
import { make } from "../shared/dom.js";
import { mountCamera } from "./camera.js";

const KERNEL_MS = 6000; // without a word from the kernel: what is shown was stored

export default {
  /** @type {(view: { model: WidgetModel; el: HTMLElement }) => () => void} */
  render({ model, el }) {
    const state = () => ({ turn: model.get("answer").turn, models: model.get("answer").models ?? [] });
    const note = make(
      "p",
      { class: "stability-note", hidden: true },
      "Shown as it was stored. Run the cell to bring it to life.",
    );
    const hide = make(
      "style",
      {},
      `.${model.get("snapshot_class")} { display: none; } .jp-OutputArea-child:has(.${model.get("snapshot_class")}) { display: none; }`,
    );
    el.classList.add("stability-explorer");
    el.append(hide, note);
    const panel = mount(el, { ask: async () => model.get("answer"), state: state(), move });
    const camera = mountCamera(el, tell);
    /** @type {(event: Event) => void} */
    const answered = (event) => camera.answered(/** @type {CustomEvent} */ (event).detail.answer);
    el.addEventListener("answer", answered);
    const below = make("div", { class: "stability-below" });
    el.append(below);
    const charts = mountCurves(below, { pick: (amount) => tell({ event: "pick", amount }) });

    // The newest amount or place waits until the kernel has taken the last one: it is never flooded.
    /** @type {[content: object, buffers?: ArrayBuffer[]] | null} */
    let next = null;
    let busy = false;
    /** @type {(content: object, buffers?: ArrayBuffer[]) => void} */
    function tell(content, buffers) {
      next = busy ? [content, buffers] : null;
      if (busy) return;
      busy = true;
      model.send(content, undefined, buffers);
    }
    /** @type {Move} */
    function move(window, { live }) {
      tell({ event: "move", window, live });
    }
    function paint() {
      panel.update(state(), { live: Boolean(model.get("answer").live) });
      along();
    }
    function along() {
      const { curve, at } = model.get("answer");
      const { key } = model.get("curves");
      below.hidden = !curve || !key;
      charts.stale(curve !== key);
      charts.at(at ?? null);
    }
    function draw() {
      const curves = model.get("curves");
      if (curves.error) charts.fail(curves.error);
      else if (curves.key) charts.paint(curves);
      along();
    }
    const alone = setTimeout(() => {
      note.hidden = false;
    }, KERNEL_MS);
    /** @type {(message: { event: string }) => void} */
    const heard = ({ event }) => {
      clearTimeout(alone);
      note.hidden = true;
      if (event !== "taken") return;
      busy = false;
      if (next !== null) tell(...next);
    };
    model.on("change:answer", paint);
    model.on("change:curves", draw);
    model.on("msg:custom", heard);
    draw();
    try {
      model.send({ event: "seen" });
    } catch {
      note.hidden = false;
    }
    return () => {
      clearTimeout(alone);
      model.off("change:answer", paint);
      model.off("change:curves", draw);
      model.off("msg:custom", heard);
      el.removeEventListener("answer", answered);
      camera.destroy();
      charts.destroy();
      panel.destroy();
    };
  },
};
