// The live camera: one frame after another becomes the page's picture; the next is taken when the answer to the last has
// been painted, so that nothing queues up and nothing lags behind the hand. Frames go to the explorer on this machine and
// nowhere else.

/** @import { Answer, Camera, LiveFrame, Notice, Page, Picture, Question, Server } from "../../types.d.ts" */

import { altersCanvas } from "../../shared/canvas.js";
import { make } from "../../shared/dom.js";
import { ask } from "../../shared/server.js";

const SHORT_SIDE = 256; // px that are sent: what networks for photographs look at
const MOST_WIDE = 512;
const PATIENCE_MS = 5000; // for one answer; then the next frame is tried
export const KEPT_MS = 10_000;
export const KEPT = 300; // frames that can be stepped back to

// `heard` is called after each answer and when the camera stops; `pictureOf` makes a picture of a frame's token and its place.
/** @type {(parts: { page: Page; server: Server; notice: Notice; pictureOf: (token: string, place: number) => Picture; heard: () => void }) => Camera} */
export function makeCamera({ page, server, notice, pictureOf, heard }) {
  const video = make("video", { autoplay: "", playsinline: "" });
  video.muted = true;
  const canvas = make("canvas");
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {LiveFrame[]} */
  let frames = [];
  let held = false;
  let starting = false;
  let place = 0; // frames taken so far
  /** @type {Picture | null} */
  let awaited = null; // the frame whose answer is on its way
  let late = 0;

  document.addEventListener("answer", (event) => {
    const { answer, state } = /** @type {CustomEvent<{ answer?: Answer; state?: Question }>} */ (event).detail;
    if (!answer || !awaited || state?.picture.token !== awaited.token) return;
    remember(answer, awaited);
    next();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && stream && !held && !awaited) shoot();
  });

  async function start() {
    if (stream || starting) return;
    if (altersCanvas()) {
      notice.show("This browser alters pictures that a page takes (canvas protection): allow it here.", {
        error: true,
      });
      return;
    }
    starting = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } } });
      video.srcObject = stream;
      await video.play();
    } catch {
      stream?.getTracks().forEach((track) => track.stop());
      stream = null;
      notice.show("No camera can be used here; allow it in the browser, or open a clip.", { error: true });
      return;
    } finally {
      starting = false;
    }
    frames = [];
    held = false;
    shoot();
  }

  function stop() {
    if (!stream) return;
    stream.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    settle();
  }

  /** @type {(on: boolean) => void} */
  function hold(on) {
    held = on;
    if (on) settle();
    else if (stream) shoot();
  }

  function settle() {
    clearTimeout(late);
    awaited = null;
    const last = frames[frames.length - 1];
    if (last) page.scrub(last.picture, true);
    heard();
  }

  function next() {
    clearTimeout(late);
    awaited = null;
    heard();
    if (stream && !held && !document.hidden) requestAnimationFrame(shoot);
  }

  async function shoot() {
    if (!stream || held || awaited || !video.videoWidth) {
      if (stream && !held && !awaited) setTimeout(shoot, 50); // the first frame is not there yet
      return;
    }
    awaited = {}; // taken, and not yet sent
    const taken = awaited;
    late = setTimeout(next, PATIENCE_MS);
    const scale = Math.min(1, SHORT_SIDE / Math.min(video.videoWidth, video.videoHeight));
    [canvas.width, canvas.height] = [
      Math.min(Math.round(video.videoWidth * scale), MOST_WIDE),
      Math.round(video.videoHeight * scale),
    ];
    canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png")); // without loss
    if (!blob || awaited !== taken) return;
    const file = new File([blob], "frame.png", { type: "image/png" });
    const { token, error } = await ask(server, "open_frame", { binary: true, data: { file } });
    if (awaited !== taken) return;
    if (error) {
      notice.show(error, { error: true });
      return stop();
    }
    awaited = pictureOf(token, place++);
    page.scrub(awaited, false);
  }

  /** @type {(answer: Answer, picture: Picture) => void} */
  function remember(answer, picture) {
    const now = performance.now();
    const models = answer.models.map(({ name, method, distorted, feature_distance }) => ({
      name,
      method,
      label: distorted[0].label,
      confidence: distorted[0].probability,
      // from clean to distorted; features themselves do not leave the server
      distance: feature_distance.penultimate?.l2 ?? 0,
    }));
    frames.push({ picture, time: now, models });
    const first = frames.findIndex(({ time }) => time > now - KEPT_MS);
    frames = frames.slice(Math.max(first, frames.length - KEPT));
  }

  return { start, stop, hold, held: () => held, running: () => stream !== null, frames: () => frames };
}
