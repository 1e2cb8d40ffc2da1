// The live side-by-side view of Stability Explorer. It knows neither Gradio nor Jupyter: it is handed one function and
// paints what that function answers.
//
//   const panel = mount(element, { ask: async (state) => answer, state })
//   panel.update(state, { live: true })    while something is being dragged: classes keep their order
//   panel.update(state)                    the drag has ended: classes are sorted again
//   panel.answer()                         what is on screen, or null
//   panel.destroy()
//
// `state` belongs to the host; the panel reads only `state.models.length`, to draw that many empty cards. One question
// is under way at a time and the newest state is asked next: nothing queues. `ask` gives
//
//   { error: "One sentence." }    or
//   { images: { clean, distorted },       data URLs of lossless pictures, as small as the models see them
//     pinned,                             the recipe of the pinned state that replaces "clean", or null
//     window,                             where each model's part of the photograph lies, or null
//     side, pixels, image_hash, label,    px; "8-bit" or "float"; hex digits; the true class or null
//     input: { psnr, ssim, l2, linf },    null psnr: identical pictures
//     models: [{ name, title, subtitle, method, baseline, given, window, clean: [{ label, probability }], distorted: [...],
//                watched: [{ label, clean, distorted }], flipped,
//                confidence, margin, kl, feature_distance: { layer: { l2, cosine } }, feature_percentile,
//                masking: { verdict, help }, doubt?: { score, limit, clean, distorted, unsure } }],
//     timing: { distort, infer, ... } }   milliseconds, shown in this order
//
// `acts` of mount, { text, help, run(name) } each, are buttons on every card; `below` stands under the cards; `move(window, { live })` is told
// where somebody drags the models' part of the photograph. Every painted answer is announced by a bubbling "answer" event with detail { answer, state, paint } (paint in ms).
// Data reaches the page as text only, never as markup.

/** @import { Answer, CardAct, Failure, ModelAnswer, Move, Panel, PanelState } from "../types.d.ts" */

import { find, make, setText } from "../shared/dom.js";
import { makeCard } from "./card.js";
import { makePictures } from "./pictures.js";

const SETTLE_MS = 700; // without a new live update: the drag has ended; `settle` of mount sets another time
const BUSY_MS = 300; // nothing turns or pulses before that
const SPEAK_MS = 1500; // at most one announcement per that time

/** @type {<S extends PanelState>(element: HTMLElement, options: { ask: (state: S) => Promise<Answer | Failure | null> | Answer | Failure | null; state: S; settle?: number; acts?: CardAct[]; below?: HTMLElement; move?: Move }) => Panel<S>} */
export function mount(element, { ask, state, settle: settleAfter = SETTLE_MS, acts, below, move }) {
  const root = make("div", { class: "stability-panel empty" });
  const message = make("p", { class: "message", role: "alert", hidden: true });
  const spoken = make("p", { class: "spoken", "aria-live": "polite" });
  const pictures = makePictures(root, move);
  const cards = make("div", { class: "cards" });
  const status = make("div", { class: "status" });
  root.append(message, pictures.element, cards, ...(below ? [below] : []), status, spoken);
  element.append(root);

  /** @type {ReturnType<typeof makeCard>[]} */
  let views = []; // one per model, in the order of the answer
  /** @type {Answer | null} */
  let shown = null; // the answer on screen
  /** @type {string | null} */
  let asked = null; // the state it belongs to, as JSON
  /** @type {any} */
  let next = null; // the newest state not asked yet
  let running = false;
  let alive = true;
  let live = false;
  let settling = 0;
  let speaking = 0;

  /** @type {(newest: any, options?: { live?: boolean }) => void} */
  function update(newest, { live: dragging = false } = {}) {
    clearTimeout(settling);
    live = dragging;
    if (dragging) settling = setTimeout(settle, settleAfter);
    if (JSON.stringify(newest) === asked && next === null) {
      if (!dragging && !running) settle();
      return;
    }
    next = newest;
    run();
  }

  function settle() {
    live = false;
    if (!shown || running) return;
    shown.models.forEach((model, i) => views[i].paint(model, false));
    speak();
  }

  async function run() {
    if (running) return;
    running = true;
    try {
      while (next !== null && alive) {
        const current = next;
        next = null;
        asked = JSON.stringify(current);
        if (!shown && message.hidden) drawEmptyCards(current.models?.length || 2);
        const busy = setTimeout(() => root.classList.add("busy"), BUSY_MS);
        const answer = await Promise.resolve(ask(current)).catch(() => null);
        if (!alive) return;
        clearTimeout(busy);
        root.classList.remove("busy");
        try {
          await show(answer, current);
        } catch {
          fail("The answer could not be drawn. Change something to ask again.");
        }
      }
    } finally {
      running = false;
    }
  }

  /** @type {(answer: Answer | Failure | null, current: any) => Promise<void>} */
  async function show(answer, current) {
    if (!answer) return fail("The explorer does not answer. Is it still running? Change something to ask again.");
    if ("error" in answer) return fail(String(answer.error));
    const start = performance.now();
    await pictures.load(answer.images);
    if (!alive) return;
    message.hidden = true;
    root.classList.remove("stale", "empty");
    const names = JSON.stringify(answer.models.map((model) => [model.name, model.baseline]));
    if (names !== cards.dataset.names) {
      views = answer.models.map((model) => makeCard(model, acts));
      cards.replaceChildren(...views.map((view) => view.element));
      cards.dataset.names = names;
    }
    pictures.paint(answer);
    shown = answer;
    root.classList.toggle("pinned", Boolean(answer.pinned));
    answer.models.forEach((model, i) => views[i].paint(model, live));
    if (!live) speak();
    afterNextFrame(() => {
      if (!alive) return;
      const paint = performance.now() - start;
      paintStatus(status, { ...answer.timing, paint });
      root.dispatchEvent(new CustomEvent("answer", { bubbles: true, detail: { answer, state: current, paint } }));
    });
  }

  /** @type {(sentence: string) => void} */
  function fail(sentence) {
    asked = null; // the same state may be asked again
    message.textContent = sentence;
    message.hidden = false;
    root.classList.add(shown ? "stale" : "empty");
    root.dispatchEvent(new CustomEvent("answer", { bubbles: true, detail: { error: sentence } }));
  }

  /** @type {(count: number) => void} */
  function drawEmptyCards(count) {
    cards.replaceChildren(...Array.from({ length: Math.min(count, 12) }, () => makeCard(null, acts).element));
    root.classList.remove("empty");
  }

  function speak() {
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      if (shown) spoken.textContent = shown.models.map(sentence).join(" ");
    }, SPEAK_MS);
  }

  update(state);
  return {
    update,
    answer: () => shown,
    destroy() {
      alive = false;
      clearTimeout(settling);
      clearTimeout(speaking);
      root.remove();
    },
  };
}

/** @type {(status: HTMLElement, timing: Record<string, number>) => void} */
function paintStatus(status, timing) {
  const names = Object.keys(timing);
  if (status.dataset.names !== names.join()) {
    status.dataset.names = names.join();
    status.replaceChildren(...names.map((name) => make("span", {}, `${name} `, make("b"))), make("span", {}, "ms"));
  }
  names.forEach((name, i) =>
    setText(find(status.children[i], "b"), timing[name].toFixed(timing[name] < 99.95 ? 1 : 0)),
  );
}

/** @type {(model: ModelAnswer) => string} */
function sentence(model) {
  const [before, after] = [model.clean[0].label, model.distorted[0].label];
  const change = model.flipped ? `flipped from ${before} to ${after}` : `holds ${after}`;
  return `${model.title}: ${change}, ${Math.round(100 * model.confidence)} percent.`;
}

// Once the browser has drawn; a hidden page draws nothing, so a timer is used instead.
/** @type {(then: () => void) => void} */
function afterNextFrame(then) {
  let done = false;
  const once = () => {
    if (!done) then();
    done = true;
  };
  const timer = setTimeout(once, 250);
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      clearTimeout(timer);
      once();
    };
    channel.port2.postMessage(0);
  });
}
