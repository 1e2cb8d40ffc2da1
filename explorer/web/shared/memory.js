// What the browser keeps from visit to visit. Where it keeps nothing (storage blocked, a foreign frame, a private window)
// it lasts as long as the page.

/** @type {Map<string, string>} */
const here = new Map();

/** @type {(key: string) => string | null} */
export function remembered(key) {
  try {
    return localStorage.getItem(key) ?? here.get(key) ?? null;
  } catch {
    return here.get(key) ?? null;
  }
}

/** @type {(key: string, value: string) => void} */
export function remember(key, value) {
  here.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // kept for this page only
  }
}
