// What a person may take along: the state as an address, for Python, the command line and JSON, the pixels without loss,
// the figure, the report.

/** @import { Jobs, Notice, Page, Server } from "../types.d.ts" */

import { figure, rasterise } from "../panel/figure.js";
import { altersCanvas } from "../shared/canvas.js";
import { openDialog } from "../shared/dialog.js";
import { make, saveFile, smallButton } from "../shared/dom.js";
import { ask } from "../shared/server.js";

const SEEDS = 8; // of the curves' band in the figure, as in the tab

/** @type {(parts: { page: Page; server: Server; jobs: Jobs; notice: Notice }) => { open: () => Promise<void> }} */
export function makeShare({ page, server, jobs, notice }) {
  async function open() {
    const answer = page.answer();
    if (!answer) return notice.show("There is no answer to share yet. Is the explorer still running?", { error: true });
    const state = { ...page.question(), doubt: page.state().doubt };
    const texts = await ask(server, "share", state);
    if (texts.error) return notice.show(texts.error, { error: true });
    const link = new URL(page.link(), location.href).href;
    const shown = answer;
    const name = answer.image_hash.slice(0, 8);
    const note = make("p", { class: "soft", role: "status" });
    /** @type {(sentence: string) => void} */
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
        smallButton(
          answer.pinned ? "Pinned pixels" : "Clean pixels",
          "PNG without loss, as large as the models see it",
          () => saveFile(`${answer.pinned ? "pinned" : "clean"}-${name}.png`, answer.images.clean),
        ),
        smallButton("Distorted pixels", "PNG without loss, as large as the models see it", () =>
          saveFile(`distorted-${name}.png`, answer.images.distorted),
        ),
        smallButton("Figure (SVG)", "Pictures, answers and curves as one drawing, for papers and slides", () =>
          save("svg"),
        ),
        smallButton("Figure (PNG)", "The same as pixels", () => save("png")),
        smallButton(
          "Report (HTML)",
          "One page with everything, live, that opens without the explorer and without a network",
          report,
        ),
      ),
      note,
    );
    const notes = [...texts.notes];
    if (texts.uploaded)
      notes.push(
        page.ownTravels()
          ? "Your picture is in the link; it is sent to no one else. For Python and the terminal save the clean pixels as picture.png."
          : "Your own picture is too large for a link: send the clean pixels along, and open them after the link.",
      );
    say(notes.join(" "));
    dialog.classList.add("share");

    /** @type {(title: string, help: string, text: string) => HTMLElement} */
    function row(title, help, text) {
      const field = make("textarea", {
        readonly: "",
        rows: Math.min(4, text.split("\n").length),
        spellcheck: "false",
        "aria-label": title,
      });
      field.value = text;
      const copy = smallButton("Copy", `Copy: ${help}`, async () => {
        field.select();
        const copied = await navigator.clipboard?.writeText(text).then(
          () => true,
          () => false,
        );
        say(
          copied || document.execCommand("copy")
            ? `${title} copied.`
            : "The browser does not let us copy; press Ctrl+C.",
        );
      });
      return make("div", { class: "share-row", title: help }, make("b", {}, title), field, copy);
    }

    async function curves() {
      say("Drawing the curves …");
      const found = await jobs.run(
        "curves",
        { state: page.question(), step_index: page.sweptIndex(), seeds: SEEDS },
        { key: "share" },
      );
      say("");
      return found?.error ? null : found; // a chain without a step has no curves, the rest can be drawn
    }

    /** @type {(format: "svg" | "png") => Promise<void>} */
    async function save(format) {
      if (format === "png" && altersCanvas()) {
        return say(
          "This browser alters drawings that a page saves (canvas protection): allow it here, or save the SVG.",
        );
      }
      const drawing = figure(shown, await curves());
      saveFile(
        `stability-${name}.${format}`,
        format === "svg" ? new Blob([drawing], { type: "image/svg+xml" }) : await rasterise(drawing, 2),
      );
      say("Saved.");
    }

    async function report() {
      const made = await jobs.run(
        "report",
        { state, step_index: page.sweptIndex(), link },
        {
          key: "share",
          progress: (done, total) =>
            say(total ? `Writing the report: ${Math.round((100 * done) / total)} %` : "Writing the report …"),
        },
      );
      if (!made || made.error) return say(made?.error ?? "The report was not written.");
      saveFile(`stability-${name}.html`, new Blob([made.html], { type: "text/html" }));
      say("Saved.");
    }
  }

  return { open };
}
