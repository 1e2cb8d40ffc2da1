// A result may be of models that have just been left for another family: then the name is shown in place of the title.

/** @import { Page } from "../../types.d.ts" */
/** @type {(page: Page, name: string) => string} */
export function titleOf(page, name) {
  return page.method(name) === undefined ? name : page.title(name);
}

// "stage1" becomes "stage 1"; "penultimate" is said in words that need no course.
/** @type {(layer: string) => string} */
export function named(layer) {
  return layer === "penultimate" ? "last before the answer" : layer.replaceAll("_", " ").replace(/(\D)(\d+)$/, "$1 $2");
}
