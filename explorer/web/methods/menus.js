// The menus at the head of the page "Methods": which models, under what, how far, on how many images.

/** @import { Catalogue, Known, MethodGroup, MethodsChosen } from "../types.d.ts" */

import { endsOf } from "../shared/chart.js";
import { labelled, make, smallMenu } from "../shared/dom.js";
import { count, shownAmount } from "../shared/format.js";

const MORE = "How many test images are measured here: more take longer and make the bands narrower";
/** @type {Record<string, string>} */
const REACHES = { near: "up to twice the published severities", whole: "all of the slider" };

// `choose(change)` is called with what was chosen.
/** @type {(parts: { catalogue: Catalogue; choose: (change: Partial<MethodsChosen>) => void }) => { element: HTMLElement; distortion: HTMLSelectElement; fill: (groups: MethodGroup[]) => void; paint: (chosen: MethodsChosen, known: Known, group: MethodGroup, reached: string) => void }} */
export function makeMenus({ catalogue, choose }) {
  const data = smallMenu("Models of", "The data set whose models are shown");
  const distortion = smallMenu("Accuracy under", "What is done to the images", ...distortions(catalogue));
  const reach = smallMenu("Amounts", "How far the amount goes");
  const images = smallMenu("Test images", MORE);
  const element = make(
    "div",
    { class: "m-head" },
    make("h1", {}, "Methods"),
    labelled("Models of", data),
    labelled("Accuracy under", distortion),
    labelled("Amounts", reach),
    labelled("Test images", images),
  );
  data.addEventListener("change", () => choose({ data: data.value }));
  distortion.addEventListener("change", () => choose({ distortion: distortion.value }));
  reach.addEventListener("change", () => choose({ reach: reach.value }));
  images.addEventListener("change", () => choose({ images: Number(images.value) }));

  /** @type {(groups: MethodGroup[]) => void} */
  function fill(groups) {
    data.replaceChildren(...groups.map((one) => make("option", { value: one.data }, one.title)));
  }

  /** @type {(chosen: MethodsChosen, known: Known, group: MethodGroup, reached: string) => void} */
  function paint(chosen, known, { sizes, rows }, reached) {
    const reaches = Object.entries(known.reaches).map(([name, axis]) => {
      const [mild, strong] = endsOf(axis);
      const text = `${strong < mild ? "down" : "up"} to ${shownAmount(known, strong)}`;
      return make("option", { value: name, title: REACHES[name] }, text);
    });
    reach.replaceChildren(...reaches);
    const first = sizes.map((size) =>
      make("option", { value: size }, `${size === rows ? "all" : "first"} ${count(size)}`),
    );
    images.replaceChildren(...first);
    [data.value, distortion.value, reach.value] = [chosen.data ?? "", chosen.distortion, reached];
    images.value = String(chosen.images);
    reach.disabled = reaches.length < 2;
  }

  return { element, distortion, fill, paint };
}

/** @type {(catalogue: Catalogue) => HTMLElement[]} */
function distortions(catalogue) {
  /** @type {(label: string, adversarial: boolean) => HTMLElement} */
  const group = (label, adversarial) => {
    const options = Object.entries(catalogue.distortions).filter(
      ([, distortion]) => distortion.adversarial === adversarial,
    );
    return make("optgroup", { label }, ...options.map(([name, { title }]) => make("option", { value: name }, title)));
  };
  return [group("Distortions", false), group("Attacks, on each model itself", true)];
}
