// Where pictures come from: the strip of samples, a file, the clipboard, a drop, the camera, a data set. Files go to the
// server as they are (never re-encoded) and come back as a token; the page keeps the file, to hand it over again.

export function makePictures({ element, catalogue, server, notice, choose, make }) {
  const files = new Map(); // token -> file
  const strip = make("div", { class: "strip", role: "group", "aria-label": "Pictures" });
  const input = make("input", { type: "file", accept: "image/*", id: "upload", class: "hidden-input" });
  const sources = make("div", { class: "sources" }, make("label", { for: "upload", class: "small-button" }, "Upload", input));
  const button = (text, help, act) => {
    const made = make("button", { class: "small-button", title: help }, text);
    made.addEventListener("click", act);
    sources.append(made);
  };
  button("Paste", "A picture from the clipboard; Ctrl+V works anywhere on the page", paste);
  button("Camera", "Take a picture with the camera of this machine", camera);
  if (catalogue.datasets.length) button("Data set", "Pictures of a data set, with their true classes", () => browse(catalogue.datasets[0], 0));
  element.append(strip, sources);
  catalogue.samples.forEach(({ sample, thumb }) => addThumb({ sample }, thumb, sample));
  mark(catalogue.samples[0] ? { sample: catalogue.samples[0].sample } : {});

  input.addEventListener("change", () => {
    if (input.files[0]) bring(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", (event) => {
    const file = firstImage(event.clipboardData?.files);
    if (file) bring(file);
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    bring(event.dataTransfer.files[0]);
  });

  function addThumb(picture, thumb, name, first = false) {
    const image = make("img", { src: thumb, alt: "" });
    const made = make("button", { class: "thumb", "aria-label": name, title: name, "data-picture": JSON.stringify(picture) }, image);
    made.addEventListener("click", () => select(picture));
    if (first) strip.prepend(made);
    else strip.append(made);
    return made;
  }

  function mark(picture) {
    const key = JSON.stringify(picture);
    for (const thumb of strip.children) thumb.setAttribute("aria-pressed", String(thumb.dataset.picture === key));
  }

  function select(picture) {
    mark(picture);
    choose(picture);
  }

  // ---- bringing one's own -----------------------------------------------------------------------------------------

  async function send(file) {
    if (file.size > catalogue.limits.bytes) {
      return { error: `The file is larger than ${Math.floor(catalogue.limits.bytes / 2 ** 20)} MiB: choose a smaller one.` };
    }
    const answer = await server.open_picture({ binary: true, data: { file } });
    return answer ?? { error: "The explorer did not take the file. Is it still running?" };
  }

  async function bring(file) {
    const { token, thumb, error } = await send(file);
    if (error) return notice.show(error, { error: true });
    files.clear();
    files.set(token, file);
    selectOwn({ token }, thumb, file.name || "your picture");
  }

  // The first place in the strip is for what was brought or found last.
  function selectOwn(picture, thumb, name) {
    strip.querySelector("[data-own]")?.remove();
    addThumb(picture, thumb, name, true).dataset.own = "";
    select(picture);
  }

  async function bringAgain(token) {
    const file = files.get(token);
    const answer = file ? await send(file) : {};
    if (!answer.token) return null;
    files.set(answer.token, file);
    const thumb = strip.querySelector("[data-own]");
    if (thumb) thumb.dataset.picture = JSON.stringify({ token: answer.token });
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
      canvas.getContext("2d").drawImage(video, 0, 0);
      dialog.close();
      canvas.toBlob((blob) => blob && bring(new File([blob], "camera.png", { type: "image/png" })), "image/png");
    });
  }

  // ---- data sets --------------------------------------------------------------------------------------------------

  async function browse(dataset, start) {
    const page = await server.browse_dataset({ dataset, start });
    if (!page || page.error) return notice.show(page?.error ?? "The explorer does not answer. Is it still running?", { error: true });
    const grid = make("div", { class: "grid" });
    page.items.forEach(({ index, label, thumb }) => {
      const made = make("button", { class: "row-of-data", title: `${dataset}, test row ${index}: ${label}` });
      made.append(make("img", { src: thumb, alt: "" }), make("small", {}, label));
      made.addEventListener("click", () => {
        dialog.close();
        selectOwn({ dataset, index }, thumb, `${dataset} ${index}: ${label}`);
      });
      grid.append(made);
    });
    const end = start + page.items.length;
    const where = make("small", {}, `rows ${start} to ${end - 1} of ${page.total}`);
    const back = turn("Back", Math.max(0, start - page.size), start > 0);
    const head = make("div", { class: "turn" }, ...names(), where, back, turn("Next", end, end < page.total));
    const dialog = openDialog("Data set", head, grid);

    function names() {
      if (catalogue.datasets.length < 2) return [make("b", {}, dataset)];
      const menu = make("select", { "aria-label": "Data set" }, ...catalogue.datasets.map((name) => make("option", { value: name }, name)));
      menu.value = dataset;
      menu.addEventListener("change", () => reopen(menu.value, 0));
      return [menu];
    }

    function turn(text, to, possible) {
      const made = make("button", { class: "small-button" }, text);
      made.disabled = !possible;
      made.addEventListener("click", () => reopen(dataset, to));
      return made;
    }

    function reopen(name, to) {
      dialog.close();
      browse(name, to);
    }
  }

  function openDialog(title, ...children) {
    const close = make("button", { class: "plain icon end", "aria-label": "Close" }, "×");
    const dialog = make("dialog", { class: "window", "aria-label": title }, make("header", {}, make("h2", {}, title), close), ...children);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.getElementById("explore").append(dialog);
    dialog.showModal();
    return dialog;
  }

  return { mark, bringAgain };
}

function firstImage(files) {
  return Array.from(files ?? []).find((file) => file.type.startsWith("image/"));
}
