// The places of the page: Explore, one picture looked at closely; Failures, whole data sets; Methods, what training
// gains and loses. Each keeps what it shows while another is open; the browser's Back and Forward go between them.

const PLACES = [
  ["explore", "Explore", "One picture under distortions, live"],
  ["failures", "Failures", "Surveys of whole data sets: the cases that broke"],
  ["methods", "Methods", "How each model was trained, and what that gains and loses"],
];

export function makePlaces({ element, make, address, entered }) {
  const read = () => {
    const wanted = new URLSearchParams(location.search).get("place");
    return PLACES.some(([name]) => name === wanted) ? wanted : "explore";
  };
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
