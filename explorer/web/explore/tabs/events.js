// Every answer that the panel paints, or the reason why it has none. `capture`: before the page tells its views of it.
/** @type {(hear: (detail: { error?: string }) => void, capture?: boolean) => void} */
export function onAnswer(hear, capture = false) {
  document.addEventListener("answer", (event) => hear(/** @type {CustomEvent} */ (event).detail), capture);
}
