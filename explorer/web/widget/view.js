// The notebook's host of the panel, an anywidget view: the kernel pushes answers, the panel paints them.
//
// Synced: `answer`, what panel.js paints, with `turn`, a number that grows, and `live`, whether something is dragged;
// `snapshot_class`, the class of the picture stored for pages without a kernel, which is hidden where this view lives.

/** @import { WidgetModel } from "../types.d.ts" */

import { mount } from "../panel/panel.js";
import { make } from "../shared/dom.js";

const KERNEL_MS = 6000; // without a word from the kernel: what is shown was stored

const DARK = '.dark, [data-jp-theme-light="false"], [data-theme="dark"], .vscode-dark, [theme="dark"]';

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
    const panel = mount(el, { ask: async () => model.get("answer"), state: state() });
    const paint = () => panel.update(state(), { live: Boolean(model.get("answer").live) });
    const alone = setTimeout(() => {
      note.hidden = false;
    }, KERNEL_MS);
    const heard = () => {
      clearTimeout(alone);
      note.hidden = true;
    };
    const fitted = new ResizeObserver(fit);
    /** @type {(event: Event) => void} */
    const drawn = (event) => {
      const { element } = /** @type {CustomEvent} */ (event).detail;
      if (el.closest(".stability-whole")?.contains(element)) fitted.observe(element);
    };
    document.addEventListener("plotlywidget-after-render", drawn);
    model.on("change:answer", paint);
    model.on("msg:custom", heard);
    try {
      model.send({ event: "seen", dark: Boolean(el.ownerDocument.querySelector(DARK)) });
    } catch {
      note.hidden = false;
    }
    return () => {
      clearTimeout(alone);
      fitted.disconnect();
      document.removeEventListener("plotlywidget-after-render", drawn);
      model.off("change:answer", paint);
      model.off("msg:custom", heard);
      panel.destroy();
    };
  },
};

// Plotly draws its widget before it is on the page, 700 px wide, and looks again when the window changes alone.
let fitting = 0;
function fit() {
  clearTimeout(fitting);
  fitting = setTimeout(() => window.dispatchEvent(new Event("resize")), 60);
}
