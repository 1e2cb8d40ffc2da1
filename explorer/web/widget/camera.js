// The live camera of the notebook's widget: frames go to the kernel through the widget's own channel, one at a time; the
// answer to one, with its token, calls for the next.

/** @import { Answer, Picture } from "../types.d.ts" */

import { KEPT, makeCamera } from "../panel/camera.js";
import { makeRibbons } from "../panel/ribbons.js";
import { make, smallButton } from "../shared/dom.js";

// `tell` sends the kernel the newest message as soon as it has taken the last one.
/** @type {(el: HTMLElement, tell: (content: object, buffers?: ArrayBuffer[]) => void) => { answered: (answer: Answer & { frame?: string }) => void; destroy: () => void }} */
export function mountCamera(el, tell) {
  const live = smallButton("Live camera", "Answers while you move; frames go to the kernel only", () =>
    camera.running() ? camera.stop() : camera.start(),
  );
  const hold = smallButton("Hold", "Stop here, and step back through the last ten seconds", () =>
    camera.hold(!camera.held()),
  );
  const status = make("small", { role: "status" });
  const ribbons = makeRibbons({ scrub });
  const element = make("div", { class: "stability-camera stability-colours" });
  element.append(make("div", { class: "asking" }, live, hold, status), ribbons.element);
  el.append(element);
  /** @type {Map<string, ArrayBuffer>} */
  const kept = new Map(); // the frames that can be stepped back to, as they were sent
  const camera = makeCamera({
    send: async (blob, place) => {
      const token = String(place);
      kept.set(token, await blob.arrayBuffer());
      if (kept.size > KEPT + 1) kept.delete(/** @type {string} */ (kept.keys().next().value));
      return { picture: { token } };
    },
    show,
    failed: (sentence) => {
      status.textContent = sentence;
    },
    heard: paint,
  });
  paint();

  /** @type {(picture: Picture, done: boolean) => void} */
  function show({ token = "" }, done) {
    const frame = kept.get(token);
    if (frame) tell({ event: "frame", token, live: !done }, [frame]);
  }

  /** @type {(index: number, done: boolean) => void} */
  function scrub(index, done) {
    const frame = camera.frames()[index];
    if (!frame || (camera.running() && !camera.held())) return;
    show(frame.picture, done);
    ribbons.rows().forEach((row) => row.mark(index));
  }

  function paint() {
    hold.hidden = !camera.running();
    hold.setAttribute("aria-pressed", String(camera.held()));
    live.textContent = camera.running() ? "Stop the camera" : "Live camera";
    status.textContent = ribbons.live(camera, ({ title }) => title);
  }

  return {
    answered: (answer) => camera.answered(answer, { token: answer.frame }),
    destroy: camera.destroy,
  };
}
