// The chain of distortions: each row is one of Gradio's own sliders with a few buttons around it. Row i shows step i of
// state.steps, so that the order on the page, for the keyboard and for screen readers is the order of the chain.

/** @import { Distortion, Flip, RadiusMark, Range, Step, StepRow, Steps, Wired } from "../types.d.ts" */

import { find, make, targetOf } from "../shared/dom.js";
import { rounded, shownAmount } from "../shared/format.js";

const SETTLE_MS = 250; // keyboard steps closer together than this count as one movement
const TYPED_MS = 700; // a number is typed to its end when nothing was typed for so long

/** @type {(parts: Wired & { blocks: HTMLElement[]; side: () => number }) => Steps} */
export function makeSteps({ blocks, state, catalogue, side, notice, moved, changed, undo }) {
  /** @type {StepRow[]} */
  const rows = [];
  /** @type {Step | null} */
  let touched = null; // the step moved last
  /** @type {(step: { name: string }) => Distortion} */
  const distortionOf = (step) => catalogue.distortions[step.name];
  /** @type {(step: { name: string }) => Range} */
  const range = (step) => distortionOf(step).sides[side()];
  blocks.forEach((block, i) => rows.push(decorate(block, i)));
  paint();

  /** @type {(block: HTMLElement, i: number) => StepRow} */
  function decorate(block, i) {
    const unit = make("span", { class: "unit" });
    const severities = make("div", { class: "severities" });
    const flips = make("div", { class: "flips" });
    const radii = make("div", { class: "radii" });
    const onoff = make("button", { class: "onoff", role: "switch" });
    const up = make("button", { class: "plain icon" }, "↑");
    const down = make("button", { class: "plain icon" }, "↓");
    const remove = make("button", { class: "plain icon" }, "×");
    block.append(onoff, unit, make("span", { class: "tools" }, up, down, remove), severities, flips, radii);
    /** @type {HTMLInputElement} */
    const slider = find(block, "input[type=range]");
    let timer = 0;
    // Before Gradio gets the event (capture): the question travels while Gradio moves its number.
    /** @type {(event: Event) => void} */
    const heard = (event) => {
      const step = state.steps[i];
      const field = targetOf(event);
      const value = field.valueAsNumber;
      if (!step || !field.matches("input[type=range], input[type=number]") || !Number.isFinite(value)) return;
      const { low, high } = range(step);
      step.amount = Math.min(Math.max(value / distortionOf(step).factor, low), high);
      touched = step;
      paintFill(rows[i], step);
      moved(false);
      clearTimeout(timer);
      if (field.type === "number") timer = setTimeout(() => moved(true), TYPED_MS);
    };
    block.addEventListener("input", heard, { capture: true });
    block.addEventListener("change", () => {
      clearTimeout(timer);
      timer = setTimeout(() => moved(true), SETTLE_MS);
    });
    onoff.addEventListener("click", () => {
      state.steps[i].on = !state.steps[i].on;
      changed();
    });
    up.addEventListener("click", () => swap(i, i - 1, "up"));
    down.addEventListener("click", () => swap(i, i + 1, "down"));
    remove.addEventListener("click", () => take(i));
    return { block, slider, unit, severities, flips, radii, onoff, up, down, remove };
  }

  /** @type {(i: number, j: number, button: "up" | "down") => void} */
  function swap(i, j, button) {
    [state.steps[i], state.steps[j]] = [state.steps[j], state.steps[i]];
    changed();
    const row = rows[j];
    (row[button].disabled ? row[button === "up" ? "down" : "up"] : row[button]).focus();
  }

  /** @type {(i: number) => void} */
  function take(i) {
    const [gone] = state.steps.splice(i, 1);
    changed();
    notice.show(`${distortionOf(gone).title} removed.`, { undo });
    (rows[Math.min(i, state.steps.length - 1)]?.remove ?? find(document, ".notice button")).focus();
  }

  /** @type {(name: string) => void} */
  function add(name) {
    if (state.steps.length >= catalogue.limits.steps) return;
    const step = { name, amount: catalogue.distortions[name].default, on: true };
    state.steps.push(step);
    touched = step;
    clamp(step);
    changed();
    rows[state.steps.length - 1].slider.focus({ preventScroll: true });
  }

  /** @type {(step: Step) => void} */
  function clamp(step) {
    const { low, high } = range(step);
    step.amount = Math.min(Math.max(step.amount, low), high);
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  function paint() {
    rows.forEach((row, i) => {
      const step = state.steps[i];
      row.block.toggleAttribute("data-used", Boolean(step));
      row.flips.replaceChildren();
      row.radii.replaceChildren();
      if (!step) return;
      const { title, unit, symbol, help } = distortionOf(step);
      row.block.toggleAttribute("data-off", !step.on);
      row.slider.style.direction = range(step).inverted ? "rtl" : "ltr";
      row.unit.textContent = symbol;
      row.unit.title = unit;
      row.onoff.setAttribute("aria-checked", String(step.on));
      row.onoff.setAttribute("aria-label", `${title} on`);
      row.onoff.title = step.on ? "Switch off" : "Switch on";
      name(row.up, `Move ${title} up`, i === 0);
      name(row.down, `Move ${title} down`, i === state.steps.length - 1);
      name(row.remove, `Remove ${title}`, false);
      row.block.title = `${title}: ${help}`;
      paintSeverities(row, step, i);
      paintFill(row, step);
    });
  }

  /** @type {(button: HTMLButtonElement, label: string, disabled: boolean) => void} */
  function name(button, label, disabled) {
    button.setAttribute("aria-label", label);
    button.title = label;
    button.disabled = disabled;
  }

  // Where a value lies along the slider, 0 at the left end.
  /** @type {(step: Step, amount: number) => number} */
  function along(step, amount) {
    const { low, high, inverted } = range(step);
    const part = Math.min(Math.max((amount - low) / (high - low), 0), 1);
    return inverted ? 1 - part : part;
  }

  /** @type {(row: StepRow, step: Step) => void} */
  function paintFill(row, step) {
    const ends = [along(step, range(step).identity), along(step, step.amount)].sort((a, b) => a - b);
    row.slider.style.setProperty("--from", ends[0].toFixed(4));
    row.slider.style.setProperty("--to", ends[1].toFixed(4));
  }

  // The published severities 1 to 5 as ticks; a numeral where there is room for one.
  /** @type {(row: StepRow, step: Step, i: number) => void} */
  function paintSeverities(row, step, i) {
    const { severities, published } = range(step);
    let free = -1;
    row.severities.replaceChildren(
      ...(severities ?? []).map((amount, severity) => {
        const part = along(step, amount);
        const label = `${published} severity ${severity + 1}`;
        const mark = make("button", { tabindex: "-1", "aria-label": label, style: `--at:${part.toFixed(4)}` });
        mark.title = `${label}: ${shown(step, amount)} ${distortionOf(step).symbol}`;
        if (Math.abs(part - free) > 0.035) {
          mark.append(String(severity + 1));
          free = part;
        }
        mark.addEventListener("click", () => {
          state.steps[i].amount = amount;
          state.steps[i].on = true;
          touched = state.steps[i];
          changed();
        });
        return mark;
      }),
    );
  }

  // Where the models' answers change, as the curves found it: [{ method, title, amount }].
  /** @type {(index: number, flips: Flip[]) => void} */
  function markFlips(index, flips) {
    const step = state.steps[index];
    if (!step) return;
    rows[index].flips.replaceChildren(
      ...flips.map(({ method, title, amount }) => {
        const rest = amount === range(step).identity;
        const label = rest
          ? `${title} is flipped by the rest of the chain`
          : `${title} flips at ${shownAmount(distortionOf(step), amount)}`;
        const mark = make("i", {
          "data-method": method,
          title: label,
          role: "img",
          "aria-label": label,
          style: `--at:${along(step, amount).toFixed(4)}`,
        });
        return mark;
      }),
    );
  }

  // How far the picture that was on screen holds, as the window "Around it" found it; it stays while the slider moves.
  /** @type {(index: number, marks: RadiusMark[]) => void} */
  function markRadii(index, marks) {
    const step = state.steps[index];
    if (!step) return;
    rows[index].radii.replaceChildren(
      ...marks.map(({ kind, label, amount }) => {
        const title = `${label}: ${shownAmount(distortionOf(step), amount)}`;
        const style = `--at:${along(step, amount).toFixed(4)}`;
        return make("i", { class: kind, title, role: "img", "aria-label": title, style });
      }),
    );
  }

  // Set by something other than the slider, which follows.
  /** @type {(index: number, amount: number) => void} */
  function setAmount(index, amount) {
    const step = state.steps[index];
    step.amount = amount;
    touched = step;
    clamp(step);
    paintFill(rows[index], step);
    /** @type {NodeListOf<HTMLInputElement>} */
    const fields = rows[index].block.querySelectorAll("input[type=range], input[type=number]");
    for (const field of fields) field.value = String(shown(step));
  }

  /** @type {(step: Step, amount?: number) => number} */
  function shown(step, amount = step.amount) {
    return rounded(amount * distortionOf(step).factor);
  }

  // What Gradio's sliders should show; the bounds before the value, which they clip.
  function properties() {
    return Array.from({ length: catalogue.limits.steps }, (_, i) => {
      const step = state.steps[i];
      if (!step) return {};
      const { low, high, step: width } = range(step);
      const { title, help, factor } = distortionOf(step);
      return {
        minimum: low * factor,
        maximum: high * factor,
        step: width * factor,
        label: title,
        info: help,
        value: shown(step),
      };
    });
  }

  const active = () => (touched && state.steps.includes(touched) ? state.steps.indexOf(touched) : null);
  return {
    paint,
    properties,
    add,
    setAmount,
    markFlips,
    markRadii,
    active,
    range,
    shown,
    fit: () => state.steps.forEach(clamp),
  };
}
