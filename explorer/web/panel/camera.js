// The live camera: one frame after another becomes the picture of its host, the app's page or the notebook's widget; the
// next is taken when the answer to the last has been painted, so that nothing queues up and nothing lags behind the hand.
// Frames go to the explorer and nowhere else.

/** @import { Answer, Camera, CameraHost, LiveFrame, Picture } from "../types.d.ts" */

import { altersCanvas } from "../shared/canvas.js";
import { make } from "../shared/dom.js";

const SHORT_SIDE = 256; // px that are sent: what networks for photographs look at
const MOST_WIDE = 512;
const PATIENCE_MS = 5000; // for one answer; then the next frame is tried
export const KEPT_MS = 10_000;
export const KEPT = 300; // frames that can be stepped back to

/** @type {(host: CameraHost) => Camera} */
export function makeCamera({ send, show, failed, heard }) {
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

  const back = () => {
    if (!document.hidden && stream && !held && !awaited) shoot();
  };
  document.addEventListener("visibilitychange", back);

  /** @type {Camera["answered"]} */
  function answered(answer, picture) {
    if (!awaited?.token || picture?.token !== awaited.token) return;
    remember(answer, awaited);
    next();
  }

  async function start() {
    if (stream || starting) return;
    if (altersCanvas()) {
      failed("This browser alters pictures that a page takes (canvas protection): allow it here.");
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
      failed("No camera can be used here; allow it in the browser, or open a clip.");
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
    if (last) show(last.picture, true);
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
    const { picture, error } = await send(blob, place++);
    if (awaited !== taken) return;
    if (!picture) {
      failed(error ?? "The frame could not be handed over.");
      return stop();
    }
    awaited = picture;
    show(picture, false);
  }

  /** @type {(answer: Answer, picture: Picture) => void} */
  function remember(answer, picture) {
    const now = performance.now();
    const models = answer.models.map(({ name, title, method, distorted, feature_distance }) => ({
      name,
      title,
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

  function destroy() {
    stop();
    document.removeEventListener("visibilitychange", back);
  }

  return {
    ...{ start, stop, hold, answered, destroy },
    held: () => held,
    running: () => stream !== null,
    frames: () => frames,
  };
}
