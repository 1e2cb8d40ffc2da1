// Where pictures come from: the strip of samples, a file, the clipboard, a drop, the camera, a data set. Files go to the
// server as they are (never re-encoded) and come back as a token; the page keeps the file, to hand it over again.

/** @import { Catalogue, Jobs, Notice, Page, Picture, Server } from "../types.d.ts" */

import { altersCanvas } from "../shared/canvas.js";
import { openDialog } from "../shared/dialog.js";
import { make, smallButton } from "../shared/dom.js";
import { ask, SILENT } from "../shared/server.js";
import { makeBrowser } from "./browser.js";
import { takeDrops } from "./dropped.js";

const KEPT = 20; // brought pictures that the page can hand over again

/** @type {(parts: { element: HTMLElement; catalogue: Catalogue; server: Server; jobs: Jobs; page: Page; notice: Notice; choose: (picture: Picture) => void }) => { mark: (picture: Picture) => void; keep: (own: { token: string; thumb: string; file: Blob }) => string; bringAgain: (token: string) => Promise<string | null>; select: (picture: Picture, thumb: string, name: string) => void }} */
export function makePictures({ element, catalogue, server, jobs, page, notice, choose }) {
  /** @type {Map<string, { file: Blob; thumb: string; name: string }>} */
  const files = new Map(); // token -> { file, thumb, name } of what was brought, so that undo finds it, too
  const strip = make("div", { class: "strip", role: "group", "aria-label": "Pictures" });
  const input = make("input", { type: "file", accept: "image/*", id: "upload", class: "hidden-input" });
  const sources = make(
    "div",
    { class: "sources" },
    make(
      "label",
      {
        for: "upload",
        class: "small-button",
        title: "A picture file of this machine; dropping one on the page works, too",
      },
      "Upload",
      input,
    ),
  );
  sources.append(
    smallButton("Paste", "A picture from the clipboard; Ctrl+V works anywhere on the page", paste),
    smallButton("Camera", "Take a picture with the camera of this machine", camera),
  );
  element.append(strip, sources);
  const browser = makeBrowser({
    element,
    catalogue,
    jobs,
    page,
    notice,
    pick: (picture, { thumb, name }) => selectOwn(picture, thumb, name),
  });
  sources.append(smallButton("Data set", "Pictures of data sets, with their true classes", browser.open));
  catalogue.samples.forEach(({ sample, thumb }) => addThumb({ sample }, thumb, sample));
  mark(catalogue.first.picture);

  input.addEventListener("change", () => {
    if (input.files?.[0]) bring(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", (event) => {
    const file = firstImage(event.clipboardData?.files);
    if (file) bring(file);
  });
  takeDrops({ bring, refuse: (sentence) => notice.show(sentence, { error: true }) });

  /** @type {(picture: Picture, thumb: string, name: string, first?: boolean) => HTMLButtonElement} */
  function addThumb(picture, thumb, name, first = false) {
    const image = make("img", { src: thumb, alt: "" });
    const made = make(
      "button",
      { class: "thumb", "aria-label": name, title: name, "data-picture": JSON.stringify(picture) },
      image,
    );
    made.addEventListener("click", () => select(picture));
    if (first) strip.prepend(made);
    else strip.append(made);
    return made;
  }

  // The panel shows this picture now.
  /** @type {(picture: Picture) => void} */
  function mark(picture) {
    press(picture);
    browser.show(picture);
    if (strip.querySelector("[aria-pressed=true]")) return;
    const own = files.get(picture?.token ?? "");
    if (picture?.dataset) addRow(picture);
    else if (own) setOwn(picture, own.thumb, own.name).setAttribute("aria-pressed", "true");
  }

  /** @type {(picture: Picture) => void} */
  function press(picture) {
    const key = JSON.stringify(picture);
    for (const thumb of strip.children) {
      thumb.setAttribute("aria-pressed", String(thumb.getAttribute("data-picture") === key));
    }
  }

  /** @type {(picture: Picture) => void} */
  function select(picture) {
    mark(picture);
    choose(picture);
  }

  // ---- bringing one's own -----------------------------------------------------------------------------------------

  /** @type {(file: Blob) => Promise<{ token?: string; thumb?: string; error?: string }>} */
  async function send(file) {
    if (file.size > catalogue.limits.bytes) {
      return {
        error: `The file is larger than ${Math.floor(catalogue.limits.bytes / 2 ** 20)} MiB: choose a smaller one.`,
      };
    }
    return ask(server, "open_picture", { binary: true, data: { file } });
  }

  /** @type {(file: Blob) => Promise<void>} */
  async function bring(file) {
    if (file instanceof File && file.type.startsWith("video/")) return page.openClip(file);
    const { token, thumb = "", error } = await send(file);
    if (error || !token) return notice.show(error ?? SILENT, { error: true });
    const name = keep({ token, thumb, file });
    selectOwn({ token }, thumb, name);
  }

  /** @type {(own: { token: string; thumb: string; file: Blob }) => string} */
  function keep({ token, thumb, file }) {
    const name = (file instanceof File && file.name) || "your picture";
    files.set(token, { file, thumb, name });
    if (files.size > KEPT) files.delete([...files.keys()][0]);
    return name;
  }

  // The first place in the strip is for what was brought or found last.
  /** @type {(picture: Picture, thumb: string, name: string) => void} */
  function selectOwn(picture, thumb, name) {
    setOwn(picture, thumb, name);
    select(picture);
  }

  /** @type {(picture: Picture, thumb: string, name: string) => HTMLButtonElement} */
  function setOwn(picture, thumb, name) {
    strip.querySelector("[data-own]")?.remove();
    const made = addThumb(picture, thumb, name, true);
    made.dataset.own = "";
    return made;
  }

  /** @type {(token: string) => Promise<string | null>} */
  async function bringAgain(token) {
    const own = files.get(token);
    const answer = own ? await send(own.file) : {};
    if (!own || !answer.token) return null;
    files.set(answer.token, own);
    const thumb = strip.querySelector("[data-own]");
    if (thumb?.getAttribute("data-picture") === JSON.stringify({ token })) {
      thumb.setAttribute("data-picture", JSON.stringify({ token: answer.token }));
    }
    return answer.token;
  }

  async function paste() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith("image/"));
        if (type) return bring(await item.getType(type));
      }
      notice.show("There is no picture in the clipboard; copy one first.", { error: true });
    } catch {
      notice.show("The browser does not hand over the clipboard here; press Ctrl+V instead.", { error: true });
    }
  }

  async function camera() {
    if (altersCanvas()) {
      return notice.show(
        "This browser alters pictures that a page takes (canvas protection): allow it here, or upload a picture.",
        { error: true },
      );
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch {
      return notice.show("No camera can be used here; allow it in the browser, or upload a picture.", { error: true });
    }
    const video = make("video", { autoplay: "", playsinline: "" });
    video.muted = true;
    video.srcObject = stream;
    const shoot = make("button", { class: "small-button strong" }, "Take the picture");
    const dialog = openDialog("Camera", video, shoot);
    dialog.addEventListener("close", () => stream.getTracks().forEach((track) => track.stop()));
    shoot.addEventListener("click", () => {
      const canvas = make("canvas");
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      canvas.getContext("2d")?.drawImage(video, 0, 0);
      dialog.close();
      canvas.toBlob((blob) => blob && bring(new File([blob], "camera.png", { type: "image/png" })), "image/png");
    });
  }

  // ---- data sets --------------------------------------------------------------------------------------------------

  // A row that came here by an address, by undo or with the digit models: find its thumbnail.
  /** @type {(row: Picture) => Promise<void>} */
  async function addRow({ dataset, index }) {
    const found = await jobs.run("browse", { dataset, row: index, count: 1 }, { key: "thumb" });
    const item = found?.items?.[0];
    const { picture } = page.state();
    if (item?.thumb && picture.dataset === dataset && picture.index === index) {
      setOwn({ dataset, index }, item.thumb, `${dataset} ${index}${item.label ? `: ${item.label}` : ""}`);
      press({ dataset, index });
    }
  }

  return { mark, keep, bringAgain, select: selectOwn };
}

/** @type {(files: FileList | undefined) => File | undefined} */
function firstImage(files) {
  return Array.from(files ?? []).find((file) => file.type.startsWith("image/"));
}
