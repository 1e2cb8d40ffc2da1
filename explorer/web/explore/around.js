// The window "Around this model": remedies that need no training, how far the answer holds, and when not to rely on it.

/** @import { AddedNetwork, Along, Jobs, Notice, Page, Remedy, Score } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { make, setText, smallButton } from "../shared/dom.js";
import { count, short, shownAmount } from "../shared/format.js";
import { sweptStep } from "./swept.js";

const KEYS = ["remedies", "add_remedy", "distances_along", "certificate", "radii", "doubt"];
const SAYS = {
  proved: "proved to hold up to here when smoothed",
  estimate: "estimated to hold up to here by Theorem 1",
  found: "an adversarial picture was found as far away as this",
};

// The amounts below and above the shown one at which a slider's pictures first lie a radius away; none where they do not.
/** @type {(along: Along, radius: number) => number[]} */
export function reached({ amounts, distances, at }, radius) {
  const here = amounts.indexOf(at);
  return [-1, 1].flatMap((way) => {
    for (let i = here + way; i in amounts; i += way) {
      if (distances[i] < radius) continue;
      const [near, far] = [distances[i - way], distances[i]];
      return [amounts[i - way] + ((radius - near) / (far - near)) * (amounts[i] - amounts[i - way])];
    }
    return [];
  });
}

// `added(found, start)` puts the new model beside the one that stands within.
/** @type {(parts: { page: Page; jobs: Jobs; notice: Notice; added: (found: AddedNetwork, start: string) => void }) => { open: (name: string) => void }} */
export function makeAround({ page, jobs, notice, added }) {
  /** @type {(name: string) => void} */
  function open(name) {
    const list = make("ul", { class: "networks" });
    const far = makeDistances(mark);
    const doubt = makeDoubt();
    const dialog = openDialog(
      `Around ${page.title(name)}`,
      make("h3", {}, "Put around it, without training"),
      list,
      make("h3", {}, "How far this answer holds"),
      far.element,
      make("h3", {}, "Rely on this answer?"),
      doubt.element,
    );
    dialog.classList.add("f-window", "around");
    dialog.addEventListener("close", () => KEYS.forEach(jobs.cancel));
    const state = page.question();
    const step = sweptStep(page.state().steps, page.activeStep());
    /** @type {Along | null} */
    let along = null;
    fill();

    // The distances on the slider, from the amount on screen to both sides.
    /** @type {(at: Record<string, number | null>) => void} */
    function mark(at) {
      if (!step || !along?.amounts || !dialog.open) return;
      const from = `${page.title(name)}, from ${shownAmount(page.distortion(step.name), along.at)} on`;
      const marks = Object.entries(SAYS).flatMap(([kind, says]) =>
        at[kind] === null || !along
          ? []
          : reached(along, at[kind]).map((amount) => ({ kind, label: `${from}, ${says}`, amount })),
      );
      page.markRadii(step.index, marks);
    }

    async function fill() {
      const found = await jobs.run("remedies", { name });
      if (!found || !dialog.open) return;
      if (found.error) notice.show(found.error, { error: true });
      list.replaceChildren(...(found.items ?? []).map(makeRow));
      if (step) along = await jobs.run("distances_along", { state, step_index: step.active });
      await certify();
      if (dialog.open) far.paint(await jobs.run("radii", { state, model: name }));
      if (dialog.open) doubt.paint(await jobs.run("doubt", { state, model: name }));
    }

    // Each answer says what holds so far, until all copies were asked about; the first comes after ten of them.
    async function certify() {
      let so_far = null;
      for (let look = 0; dialog.open; look += 1) {
        const found = await jobs.run("certificate", { state, model: name, look, so_far });
        if (!found || !dialog.open) return;
        far.certified(found);
        so_far = found.so_far;
        if (found.error || found.copies === found.of) return;
      }
    }

    /** @type {(remedy: Remedy) => HTMLLIElement} */
    function makeRow({ title, help, source, written, passes }) {
      const field = make("input", { type: "text", value: written, "aria-label": title, spellcheck: "false" });
      const asked = make("small", {}, passes === 1 ? "1 forward pass" : `${count(passes)} forward passes`);
      const act = smallButton("Add", `Put ${title} around it and show it beside`, add);
      const about = make("div", {}, make("b", {}, title), make("small", { title: source }, help), field);
      const row = make("li", {}, about, make("div", { class: "end" }, asked), act);
      return row;

      async function add() {
        act.disabled = true;
        row.querySelector("[role=alert]")?.remove();
        const found = await jobs.run("add_remedy", { name: name + field.value.trim() });
        act.disabled = false;
        if (found?.families) {
          dialog.close();
          added(found, name);
        } else if (dialog.open) row.append(make("p", { role: "alert" }, found?.error ?? "This was cancelled."));
      }
    }
  }

  return { open };
}

// Three marks on one scale: a change that was found to be too far, a radius that is proved, one that is estimated.
/** @type {(mark: (at: Record<string, number | null>) => void) => { element: HTMLElement; certified: (found: any) => void; paint: (found: any) => void }} */
function makeDistances(mark) {
  const names = {
    proved: "■ holds, proved for the smoothed model",
    estimate: "◆ Theorem 1",
    found: "▲ adversarial found",
  };
  /** @type {Record<string, number | null>} */
  const at = { proved: null, estimate: null, found: null };
  const track = make("div", { class: "track", "aria-hidden": "true" });
  const marks = Object.fromEntries(Object.keys(names).map((key) => [key, make("i", { class: key, hidden: true })]));
  track.append(...Object.values(marks));
  const lines = Object.fromEntries(Object.keys(names).map((key) => [key, make("dd", { role: "status" }, "…")]));
  const words = make("dl", { class: "figures" });
  for (const [key, text] of Object.entries(names)) words.append(make("dt", {}, text), lines[key]);
  const element = make(
    "div",
    { class: "meter" },
    track,
    words,
    make(
      "p",
      { class: "soft" },
      "L2 distances on [0, 1] pixels from the distorted picture; where the slider reaches them, it bears the same marks.",
    ),
  );

  function place() {
    const known = Object.values(at).filter((one) => one !== null);
    const end = 1.15 * Math.max(...known, 1e-9);
    for (const [key, spot] of Object.entries(marks)) {
      spot.hidden = at[key] === null;
      spot.style.left = `${(100 * (at[key] ?? 0)) / end}%`;
    }
    mark(at);
  }

  /** @type {(found: any) => void} */
  function certified(found) {
    if (found.error) return setText(lines.proved, found.error);
    const share = `${count(found.votes)} of ${count(found.n)} votes for ${found.answer}, at least ${Math.floor(100 * found.low)} %`;
    const how = `σ ${found.sigma}, ${count(found.copies)} of ${count(found.of)} copies, α ${found.alpha}`;
    setText(lines.proved, `${found.abstained ? "abstains so far" : short(found.radius)} · ${share} · ${how}`);
    at.proved = found.abstained ? null : found.radius;
    place();
  }

  /** @type {(found: any) => void} */
  function paint(found) {
    if (!found) return;
    const none = found.slope === null ? "not looked for: the model has no gradients" : "none found";
    const text =
      found.error ??
      (found.adversarial === null ? none : `${short(found.adversarial)} · an upper bound, of the model as it is`);
    setText(lines.found, text);
    const slope = `with the slope ${short(found.slope ?? 0)} found nearby`;
    setText(
      lines.estimate,
      found.error || found.estimate === null ? "–" : `${short(found.estimate)} · an estimate, ${slope}`,
    );
    Object.assign(at, { found: found.adversarial ?? null, estimate: found.estimate ?? null });
    place();
  }

  return { element, certified, paint };
}

// A score and a threshold: "answer" or "unsure".
/** @type {() => { element: HTMLElement; paint: (found: any) => void }} */
function makeDoubt() {
  const menu = make("select", { class: "small-button", "aria-label": "Score of doubt" });
  const slider = make("input", { type: "range", min: "0", max: "1", step: "any", "aria-label": "Threshold" });
  const verdict = make("b", { role: "status" }, "…");
  const help = make("p", { class: "soft" });
  const element = make("div", {}, make("div", { class: "turn" }, menu, slider, verdict), help);
  /** @type {Score[]} */
  let scores = [];
  menu.addEventListener("change", choose);
  slider.addEventListener("input", judge);

  function choose() {
    const one = scores[menu.selectedIndex];
    const [low, high] = [Math.min(one.clean, one.distorted), Math.max(one.clean, one.distorted)];
    const room = (high - low || Math.abs(high) || 1) / 2;
    [slider.min, slider.max] = [String(low - room), String(high + room)];
    slider.value = String((low + high) / 2);
    setText(help, `${one.help} Clean ${short(one.clean)}, distorted ${short(one.distorted)}.`);
    judge();
  }

  function judge() {
    const one = scores[menu.selectedIndex];
    const sure = (/** @type {number} */ value) => (value <= Number(slider.value) ? "answer" : "unsure");
    setText(
      verdict,
      `above ${short(Number(slider.value))}: clean ${sure(one.clean)}, distorted ${sure(one.distorted)}`,
    );
  }

  /** @type {(found: any) => void} */
  function paint(found) {
    if (!found?.scores) return setText(verdict, found?.error ?? "–");
    scores = found.scores;
    menu.replaceChildren(...scores.map(({ name, title }) => make("option", { value: name }, title)));
    choose();
  }

  return { element, paint };
}
