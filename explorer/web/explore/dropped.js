// What is dropped on the page: a file, or a picture dragged from another web page, of which some browsers give the bytes
// and others only the address. An address is never fetched: neither page nor app asks another host.

const ADDRESS_ONLY =
  "The browser hands over only the address of what was dropped: copy the picture and press Ctrl + V, or save it and drop the file.";
const OURS = "application/x-stability-explorer"; // dragged from this very page: a thumbnail, say
const FIELDS = "input, textarea, select, [contenteditable]";

/** @type {(parts: { bring: (file: Blob) => void; refuse: (sentence: string) => void }) => void} */
export function takeDrops({ bring, refuse }) {
  document.addEventListener("dragstart", (event) => event.dataTransfer?.setData(OURS, "yes"));

  // Links and words may be dropped into fields as everywhere.
  /** @type {(event: DragEvent) => boolean} */
  const isForUs = ({ dataTransfer, target }) => {
    if (!dataTransfer || dataTransfer.types.includes(OURS)) return false;
    if (dataTransfer.types.includes("Files")) return true;
    return dataTransfer.types.includes("text/uri-list") && !(target instanceof Element && target.closest(FIELDS));
  };
  document.addEventListener("dragover", (event) => {
    if (isForUs(event)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    if (!isForUs(event) || !event.dataTransfer) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) return bring(file);
    const inside = addresses(event.dataTransfer).find((address) => address.startsWith("data:image/"));
    if (!inside) return refuse(ADDRESS_ONLY);
    bring(await (await fetch(inside)).blob());
  });
}

/** @type {(given: DataTransfer) => string[]} */
function addresses(given) {
  const page = new DOMParser().parseFromString(given.getData("text/html"), "text/html"); // loads and runs nothing
  const pictures = [...page.images].map((image) => image.getAttribute("src") ?? "");
  return [...pictures, ...given.getData("text/uri-list").split(/\r?\n/)];
}
