// The two places of the page: Explore, one picture looked at closely, and Failures, whole data sets. Both keep what they
// show while the other is open; the browser's Back and Forward go between them.

const PLACES = [
  ["explore", "Explore", "One picture under distortions, live"],
  ["failures", "Failures", "Surveys of whole data sets: the cases that broke"],
];

export function makePlaces({ element, make, address, entered }) {
  const read = () => (new URLSearchParams(location.search).get("place") === "failures" ? "failures" : "explore");
  let place = read();
  const buttons = PLACES.map(([name, title, help]) => {
    const made = make("button", { class: "place", title: help }, title);
    made.addEventListener("click", () => go(name));
    return made;
  });
  element.append(...buttons);
  window.addEventListener("popstate", () => show(read()));

  function go(name) {
    if (name === place) return;
    const leave = location.href;
    show(name);
    if (location.href !== leave) window.history.replaceState(null, "", leave); // the way back
    window.history.pushState(null, "", address());
  }

  function show(name) {
    place = name;
    paint();
    entered(name);
  }

  function paint() {
    document.body.dataset.place = place;
    buttons.forEach((button, i) => (PLACES[i][0] === place ? button.setAttribute("aria-current", "page") : button.removeAttribute("aria-current")));
  }

  paint();
  return { go, place: () => place };
}
