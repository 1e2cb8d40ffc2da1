// The tab "Frames": a clip or the live camera in place of the picture. Below the panel a ribbon for each model; scrubbing
// makes a frame the page's picture, so that all else follows as it does for any picture.

/** @import { Answer, FramesResult, Picture, Question, View, ViewParts } from "../../types.d.ts" */

import { makeCamera } from "../../panel/camera.js";
import { coloursOf } from "../../panel/ribbon.js";
import { makeRibbons } from "../../panel/ribbons.js";
import { labelled, make, smallButton, smallMenu } from "../../shared/dom.js";
import { counted, percent } from "../../shared/format.js";
import { ask } from "../../shared/server.js";
import { titleOf } from "./titles.js";

const LEAD =
  "Neighbouring frames look the same: does every network say so? Open a clip, or start the camera and move a little.";

/** @type {(parts: ViewParts) => View} */
export function makeFramesView({ element, page, jobs, server, notice, catalogue }) {
  const input = make("input", {
    type: "file",
    accept: "video/mp4,video/webm,video/quicktime,image/gif,image/webp,.mkv,.mov",
    class: "hidden-input",
    id: "clip",
  });
  const choose = make("label", { for: "clip", class: "small-button", title: "MP4, WebM, MOV, GIF or animated WebP" });
  choose.append("Open a clip", input);
  const live = smallButton("Live camera", "Answers while you move; nothing leaves this machine", toggleCamera);
  const hold = smallButton("Hold", "Stop here, and step back through the last ten seconds", () =>
    camera.hold(!camera.held()),
  );
  const codecs = smallMenu(
    "Video codec",
    "Code the clip first, by the real encoder",
    make("option", { value: "" }, "as it is"),
    ...catalogue.codecs.map(({ name, title }) => make("option", { value: name }, title)),
  );
  const quality = make("input", { type: "range", "aria-label": "Quality of the codec: lower is better" });
  const crf = make("output", {});
  const coding = make("span", { class: "f-coding" }, labelled("Codec", codecs), quality, crf);
  const noises = smallMenu(
    "Noise",
    "Whether every frame gets the same draws, as dirt on a lens, or its own, as of a sensor",
    make("option", { value: "fixed" }, "the same on all frames"),
    make("option", { value: "fresh" }, "fresh on each frame"),
  );
  const noise = make("span", { class: "f-coding" }, labelled("Noise", noises));
  const cancel = smallButton("Cancel", null, () => {
    jobs.cancel("frames");
    say("Cancelled.");
    pending = null;
  });
  const status = make("small", { role: "status" });
  const ribbons = makeRibbons({ scrub: show });
  const pairs = make("div", { class: "f-pairs" });
  element.append(
    make("div", { class: "asking" }, choose, live, hold, noise, coding, status, cancel),
    ribbons.element,
    pairs,
  );

  /** @type {{ clip: string; name: string; file: File } | null} */
  let clip = null;
  /** @type {FramesResult | null} */
  let result = null;
  /** @type {string | null} */
  let drawn = null; // the question whose ribbons are on screen
  /** @type {string | null} */
  let pending = null;
  /** @type {Question | null} */
  let latest = null;
  const camera = makeCamera({
    send: async (blob, place) => {
      const file = new File([blob], "frame.png", { type: "image/png" });
      const { token, error } = await ask(server, "open_frame", { binary: true, data: { file } });
      return error ? { error } : { picture: pictureOf(token, place) };
    },
    show: page.scrub,
    failed: (sentence) => notice.show(sentence, { error: true }),
    heard: paintLive,
  });
  document.addEventListener("answer", (event) => {
    const { answer, state } = /** @type {CustomEvent<{ answer?: Answer; state?: Question }>} */ (event).detail;
    if (answer) camera.answered(answer, state?.picture);
  });

  input.addEventListener("change", () => {
    if (input.files?.[0]) open(input.files[0]);
    input.value = "";
  });
  codecs.addEventListener("change", () => {
    const codec = catalogue.codecs.find(({ name }) => name === codecs.value);
    if (codec) Object.assign(quality, { min: codec.low, max: codec.high, value: codec.default });
    paintControls();
    compute();
  });
  noises.addEventListener("change", () => {
    const shown = latest && indexOf(latest);
    if (shown) show(shown[0], true); // the same frame with its other draws
    compute();
  });
  quality.addEventListener("input", () => paintControls());
  quality.addEventListener("change", () => compute());
  say(LEAD);
  paintControls();

  /** @type {(sentence: string, busy?: boolean) => void} */
  function say(sentence, busy = false) {
    status.textContent = sentence;
    cancel.hidden = !busy;
  }

  function paintControls() {
    hold.hidden = !camera.running();
    hold.setAttribute("aria-pressed", String(camera.held()));
    live.textContent = camera.running() ? "Stop the camera" : "Live camera";
    noise.hidden = !clip && !camera.running();
    coding.hidden = !clip || camera.running();
    quality.hidden = crf.hidden = codecs.value === "";
    crf.textContent = `crf ${quality.value}`;
  }

  // ---- a clip -------------------------------------------------------------------------------------------------------

  /** @type {(file: File) => Promise<void>} */
  async function open(file) {
    if (file.size > catalogue.limits.bytes) {
      const most = Math.floor(catalogue.limits.bytes / 2 ** 20);
      return notice.show(`The clip is larger than ${most} MiB: choose a shorter one.`, { error: true });
    }
    camera.stop();
    say("Reading the clip …");
    const found = await ask(server, "open_clip", { binary: true, data: { file } });
    if (found.error) {
      say(LEAD);
      return notice.show(found.error, { error: true });
    }
    clip = { clip: found.clip, name: found.name, file };
    result = drawn = null;
    paintControls();
    compute();
  }

  const codec = () => (codecs.value ? `${codecs.value}=${quality.value}` : "");
  /** @type {(question: Question) => string} */
  const keyOf = ({ models, recipe }) => JSON.stringify([clip?.clip, codec(), noises.value, models, recipe]);

  // A frame as the page's picture; `place` says which draws are its own.
  /** @type {(token: string, place: number) => Picture} */
  function pictureOf(token, place) {
    return noises.value === "fresh" ? { token, draw: place } : { token };
  }

  /** @type {(again?: boolean) => Promise<void>} */
  async function compute(again = false) {
    const question = latest ?? page.question();
    const key = keyOf(question);
    if (!clip || camera.running() || key === drawn || (key === pending && !again)) return;
    pending = key;
    say("Decoding …", true);
    const progress = (/** @type {number} */ done, /** @type {number} */ total) =>
      total && say(`Frame ${done} of ${total}`, true);
    const state = { models: question.models, recipe: question.recipe };
    const asked = { state, clip: clip.clip, codec: codec(), noise: noises.value };
    const found = await jobs.run("frames", asked, { progress });
    if (!found || pending !== key) return;
    pending = null;
    if (found.error?.includes("no longer held") && !again) {
      const { clip: token } = await ask(server, "open_clip", { binary: true, data: { file: clip.file } });
      if (token) {
        clip = { ...clip, clip: token };
        return compute(true);
      }
    }
    if (found.error) {
      say("");
      return notice.show(found.error, { error: true });
    }
    drawn = key;
    result = /** @type {FramesResult} */ (found);
    paintResult(result);
    if (!indexOf(question)) show(0, true);
  }

  // Which frame of the film the page shows, as [index]; null: another picture.
  /** @type {(question: Question) => [number] | null} */
  function indexOf({ picture }) {
    const [film, index] = picture.token?.split(/:(?=\d+$)/) ?? [];
    return result && film === result.film && index ? [Number(index)] : null;
  }

  /** @type {(index: number, done: boolean) => void} */
  function show(index, done) {
    const held = camera.frames();
    if (result) page.scrub(pictureOf(`${result.film}:${index}`, index), done);
    else if (held[index] && camera.held()) page.scrub(held[index].picture, done);
    else return;
    mark(index);
  }

  /** @type {(index: number) => void} */
  function mark(index) {
    ribbons.rows().forEach((row, i) => row.mark(index, result?.models[i].confidence));
  }

  /** @type {(found: FramesResult) => void} */
  function paintResult(found) {
    const colours = coloursOf(found.models.flatMap(({ answers }) => answers));
    const farthest = Math.max(...found.models.flatMap((one) => one.feature_distance.map(({ l2 }) => l2)));
    const rows = ribbons.rows(found.models.length);
    found.models.forEach((one, i) => {
      const [low, high] = one.interval.map((share) => (100 * share).toFixed(1));
      rows[i].paint({
        ...{ name: titleOf(page, one.name), method: one.method, answers: one.answers, confidence: one.confidence },
        text: `${counted(one.flips, "flip")} in ${found.frames - 1}: ${percent(one.flip_rate, 1)} (${low} to ${high})`,
        distance: one.feature_distance.map(({ l2 }) => l2),
        ...{ farthest, colours },
      });
    });
    const seconds = found.seconds.toFixed(1);
    say([`${found.clip}: ${found.frames} frames, ${seconds} s.`, ...found.notes].join(" "));
    paintPairs(found);
  }

  // Those that flip; where none does, those whose probabilities change most.
  /** @type {(found: FramesResult) => void} */
  function paintPairs(found) {
    const told = found.pairs.map((pair) => {
      const answers = found.models.find(({ name }) => name === pair.model)?.answers ?? [];
      return { ...pair, before_answer: answers[pair.frame - 1], after_answer: answers[pair.frame] };
    });
    const flipped = told.filter((pair) => pair.before_answer !== pair.after_answer);
    const title = flipped.length ? "Look alike, answered differently" : "No flip; where the answers change most";
    pairs.replaceChildren(make("h3", {}, title));
    for (const pair of flipped.length ? flipped : told.slice(0, 3)) {
      const words = `${pair.before_answer} → ${pair.after_answer}`;
      const caption = make("small", {}, `frame ${pair.frame + 1} · ${titleOf(page, pair.model)}`);
      const tile = make("button", { class: "f-pair", title: "Show this frame" }, make("b", {}, words), caption);
      for (const [src, alt] of [
        [pair.before, "before"],
        [pair.after, "after"],
        [pair.gap, "difference × 4"],
      ]) {
        tile.append(make("figure", {}, make("img", { src, alt }), make("figcaption", {}, alt)));
      }
      tile.addEventListener("click", () => show(pair.frame, true));
      pairs.append(tile);
    }
  }

  // ---- the camera ---------------------------------------------------------------------------------------------------

  function toggleCamera() {
    if (camera.running()) return camera.stop();
    jobs.cancel("frames");
    pending = result = drawn = null;
    pairs.replaceChildren();
    camera.start();
  }

  function paintLive() {
    paintControls();
    if (!result) say(ribbons.live(camera, ({ name }) => titleOf(page, name)) || LEAD);
  }

  /** @type {View["update"]} */
  function update({ question, live: dragging }) {
    latest = question;
    const found = indexOf(question);
    if (found) mark(found[0]);
    if (!dragging) compute();
  }

  return { update, hide: camera.stop, open };
}
