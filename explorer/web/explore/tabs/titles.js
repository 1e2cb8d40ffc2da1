// A result may be of models that have just been left for another family: then the name stands for the title.
export function titleOf(page, name) {
  return page.method(name) === undefined ? name : page.title(name);
}
