// The state as an address, and everything a person may take along: the same for Python, the command line and JSON, the
// pixels without loss, the figure, the report.

const SEEDS = 8; // of the curves' band in the figure, as in the tab
const MAX_OWN = 30_000; // characters of a picture that an address may carry: one of 100 px, about

// The address's query and fragment. `chain` is the recipe as the server writes it; `own` the visitor's picture as a data
// URL, which stands in the fragment: that part of an address stays in the browser.
export function linkOf(state, { chain, tab, own }) {
  const parts = [["picture", pictureName(state.picture)], ["models", state.models.join()], ["recipe", chain]];
  const off = state.steps.map((step, i) => (step.on ? null : `${i}:${step.name}=${step.amount}`)).filter(Boolean);
  if (off.length) parts.push(["off", off.join()]);
  if (state.reference) parts.push(["pin", `${pictureName(state.reference.picture)}|${recipeText(state.reference.recipe)}`]);
  if (tab) parts.push(["tab", tab]);
  const query = parts.map(([key, value]) => `${key}=${plainly(value)}`).join("&");
  return `?${query}${state.picture.token && own && own.length < MAX_OWN ? `#pixels=${own.split(",")[1]}` : ""}`;
}

function plainly(text) {
  return encodeURIComponent(text).replace(/%(2C|3D|3B|3A|2F|7C)/g, (code) => decodeURIComponent(code));
}

function pictureName(picture) {
  if (!picture || picture.token) return "own";
  return picture.sample ?? `${picture.dataset}:${picture.index}`;
}

// As Recipe's own text form.
function recipeText({ steps, seed, against, quantised }) {
  const chain = steps.map(([name, amount]) => `${name}=${amount}`).join() || "clean";
  const escaped = against?.replace(/%/g, "%25").replace(/;/g, "%3B");
  return `${chain};seed=${seed}${escaped ? `;against=${escaped}` : ""}${quantised ? "" : ";pixels=float"}`;
}

// The picture of the fragment of an address, as a file; null where there is none.
export async function pictureOf(fragment) {
  const found = /^#pixels=([A-Za-z0-9+/=]+)$/.exec(fragment);
  if (!found || found[1].length > MAX_OWN) return null;
  const bytes = Uint8Array.from(atob(found[1]), (letter) => letter.charCodeAt(0));
  return new File([bytes], "picture.png", { type: "image/png" });
}

export function makeShare({ page, server, jobs, notice, make, openDialog, saveFile, figure, rasterise }) {
  const dark = () => document.body.classList.contains("dark");

  async function open() {
    const answer = page.answer();
    if (!answer) return notice.show("There is no answer to share yet. Is the explorer still running?", { error: true });
    const texts = await Promise.resolve(server.share(page.question())).catch(() => null);
    if (!texts || texts.error) return notice.show(texts?.error ?? "The explorer does not answer. Is it still running?", { error: true });
    const link = new URL(page.link(), location.href).href;
    const name = answer.image_hash.slice(0, 8);
    const note = make("p", { class: "soft", role: "status" });
    const say = (sentence) => (note.textContent = sentence);
    const dialog = openDialog(
      "Share",
      row("Link", "Opens this very state: the same picture, models and pixels.", link),
      row("Python", "The same comparison in Python.", texts.python),
      row("Command", "The same comparison in a terminal.", texts.command),
      row("JSON", "The same state for programs.", JSON.stringify(texts.json, null, 1)),
      make("h3", {}, "Files"),
      make(
        "div",
        { class: "sources" },
        button(answer.pinned ? "Pinned pixels" : "Clean pixels", "PNG without loss, as large as the models see it", () => saveFile(`${answer.pinned ? "pinned" : "clean"}-${name}.png`, answer.images.clean)),
        button("Distorted pixels", "PNG without loss, as large as the models see it", () => saveFile(`distorted-${name}.png`, answer.images.distorted)),
        button("Figure (SVG)", "Pictures, answers and curves as one drawing, for papers and slides", () => save("svg")),
        button("Figure (PNG)", "The same as pixels", () => save("png")),
        button("Report (HTML)", "One page with everything, live, that opens without the explorer and without a network", report),
      ),
      note,
    );
    const notes = [...texts.notes];
    if (texts.own) notes.push(page.ownTravels() ? "Your picture is in the link; nobody else gets it. For Python and the terminal save the clean pixels as picture.png." : "Your own picture is too large for a link: send the clean pixels along, and open them after the link.");
    say(notes.join(" "));
    dialog.classList.add("share");

    function row(title, help, text) {
      const field = make("textarea", { readonly: "", rows: Math.min(4, text.split("\n").length), spellcheck: "false", "aria-label": title });
      field.value = text;
      const copy = button("Copy", `Copy: ${help}`, async () => {
        field.select();
        const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
        say(copied || document.execCommand("copy") ? `${title} copied.` : "The browser does not let us copy; press Ctrl+C.");
      });
      return make("div", { class: "share-row", title: help }, make("b", {}, title), field, copy);
    }

    function button(text, help, act) {
      const made = make("button", { class: "small-button", title: help }, text);
      made.addEventListener("click", act);
      return made;
    }

    async function curves() {
      say("Drawing the curves …");
      const found = await jobs.run("curves", { state: page.question(), place: page.sweptPlace(), seeds: SEEDS }, { key: "share" });
      say("");
      return found?.error ? null : found; // a chain without a step has no curves, the rest can be drawn
    }

    async function save(format) {
      const svg = figure(answer, await curves(), { dark: dark() });
      saveFile(`stability-${name}.${format}`, format === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await rasterise(svg, 2));
      say("Saved.");
    }

    async function report() {
      const made = await jobs.run("report", { state: page.question(), place: page.sweptPlace(), link }, {
        key: "share",
        progress: (done, total) => say(total ? `Writing the report: ${Math.round((100 * done) / total)} %` : "Writing the report …"),
      });
      if (!made || made.error) return say(made?.error ?? "The report was not written.");
      saveFile(`stability-${name}.html`, new Blob([made.html], { type: "text/html" }));
      say("Saved.");
    }
  }

  return { open };
}
