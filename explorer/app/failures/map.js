// The pane "Map": the cases as one model's features place them on a plane, those that are close look alike to it. A loop
// drawn around some picks them.

export function makeFeatureMap({ element, make, world, jobs }) {
  const lead = make("p", { class: "lead" }, "The map is not here yet.");
  element.append(lead);
  return { update() {} };
}
