// What one model has to show in the tab "In the network": the channels that changed most, and the evidence for its answer.

/** @import { Answer, Channel, ChannelsModel, EvidenceMap, EvidenceModel, Images, LinkedMaps, Page } from "../../types.d.ts" */

import { dot, make } from "../../shared/dom.js";
import { measured } from "../../shared/format.js";
import { named, titleOf } from "./titles.js";

/** @type {(page: Page, name: string, note: string, ...rows: HTMLElement[]) => HTMLElement} */
function block(page, name, note, ...rows) {
  const title = make("h5", {}, dot(), titleOf(page, name), make("small", {}, note));
  return make("section", { class: "model", "data-method": page.method(name) ?? "" }, title, ...rows);
}

// A model that cannot be inspected, and why.
/** @type {(page: Page, name: string, error: string) => HTMLElement} */
function sorry(page, name, error) {
  return block(page, name, "", make("p", { class: "soft" }, error));
}

/** @type {(model: ChannelsModel, answer: Answer, maps: LinkedMaps, page: Page) => HTMLElement} */
export function paintChannels({ name, error, low, high, swing, channels, total }, { pinned }, maps, page) {
  if (error) return sorry(page, name, error);
  const both = `${measured(low)} to ${measured(high)}`;
  const change = { low: -swing, high: swing, signed: true, solid: true };
  const rows = [
    line(pinned ? "pinned" : "clean", "clean", { low, high }, both),
    line("distorted", "distorted", { low, high }, both),
    line("difference", "difference", change, `−${measured(swing)} to +${measured(swing)}`),
  ];

  /** @type {(title: string, key: "clean" | "distorted" | "difference", range: { low: number; high: number }, scale: string) => HTMLElement} */
  function line(title, key, range, scale) {
    const cells = channels.map((channel) =>
      maps.frame({ map: { ...channel[key], ...range }, label: `Channel ${channel.index}, ${title}` }),
    );
    const small = make("small", { title: "The scale that all maps of this row share" }, scale);
    return make("div", { class: "line" }, make("span", { class: "soft" }, title, small), ...cells);
  }

  const single = channels.every(({ clean }) => clean.width * clean.height === 1); // the layer is a vector
  const head = make("div", { class: "line" }, make("span"), ...channels.map(heading));
  const all = channels.length === total ? `all ${total} channels` : `${channels.length} of ${total} channels`;
  return block(page, name, all, make("div", { class: single ? "lines single" : "lines" }, head, ...rows));
}

/** @type {(channel: Channel) => HTMLElement} */
function heading({ index, distance }) {
  const moved = measured(distance);
  const help = `Channel ${index}: its map moved by ${moved} (L2)`;
  return make("b", { title: help }, index, make("small", {}, ` Δ ${moved}`));
}

/** @type {(model: EvidenceModel, answer: Answer, maps: LinkedMaps, page: Page) => HTMLElement} */
export function paintEvidence({ name, error, limit, layer, grid, clean, distorted, other }, answer, maps, page) {
  if (error) return sorry(page, name, error);
  const range = { low: -limit, high: limit, signed: true };
  /** @type {(which: keyof Images, map: EvidenceMap) => HTMLElement} */
  const figure = (which, map) => {
    const title = which === "clean" && answer.pinned ? "pinned" : which;
    const label = `Evidence for ${map.class} in the ${title} picture`;
    const words = make("figcaption", {}, make("span", { class: "soft" }, title), " for ", make("b", {}, map.class));
    return make("figure", {}, maps.frame({ map: { ...map, ...range }, under: answer.images[which], label }), words);
  };
  const shown = [figure("clean", clean), figure("distorted", distorted)];
  if (other) shown.push(figure("distorted", other));
  const note = `${named(layer)}, ${grid.join(" × ")}; full colour: ±${measured(limit)}`;
  return block(page, name, note, make("div", { class: "figures" }, ...shown));
}
