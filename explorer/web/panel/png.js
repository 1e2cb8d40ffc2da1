// The pixels of a PNG as the server wrote it. A canvas would give them, too, but browsers that guard against
// fingerprinting (Firefox, Brave) change what a page reads back from a canvas.

/** @type {Record<number, number>} */
const CHANNELS = { 0: 1, 2: 3 }; // grey, RGB

// What each filter of a PNG expects of a byte, from the bytes to the left, above, and to the left of that.
/** @type {((left: number, up: number, corner: number) => number)[]} */
const EXPECTED = [() => 0, (left) => left, (_, up) => up, (left, up) => (left + up) >> 1, nearest];

// `url`: a data URL of a PNG of 8 bits per channel, without transparency, not interlaced.
/** @type {(url: string) => Promise<ImageData>} */
export async function pixelsOf(url) {
  const file = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (char) => char.charCodeAt(0));
  const view = new DataView(file.buffer);
  const packed = [];
  let [width, height, channels] = [0, 0, 0];
  for (let at = 8; at < file.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const part = file.subarray(at + 8, at + 8 + view.getUint32(at));
    if (name === "IDAT") packed.push(part);
    if (name !== "IHDR") continue;
    [width, height, channels] = [view.getUint32(at + 8), view.getUint32(at + 12), CHANNELS[part[9]]];
    if (part[8] !== 8 || !channels || part[12]) throw new Error("The server does not write such PNGs.");
  }
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  const filtered = new Uint8Array(await new Response(stream).arrayBuffer());
  const values = unfiltered(filtered, width * channels, channels);
  const image = new ImageData(width, height);
  for (let i = 0; i < image.data.length; i++) {
    const [pixel, channel] = [i >> 2, i & 3];
    image.data[i] = channel === 3 ? 255 : values[pixel * channels + (channels === 1 ? 0 : channel)];
  }
  return image;
}

// Each row begins with the number of its filter and holds what its bytes are more than expected.
/** @type {(filtered: Uint8Array, length: number, step: number) => Uint8Array} */
function unfiltered(filtered, length, step) {
  const rows = filtered.length / (length + 1);
  const values = new Uint8Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const expected = EXPECTED[filtered[row * (length + 1)]];
    for (let i = 0; i < length; i++) {
      const at = row * length + i;
      const left = i >= step ? values[at - step] : 0;
      const up = row ? values[at - length] : 0;
      const corner = row && i >= step ? values[at - length - step] : 0;
      values[at] = filtered[at + row + 1] + expected(left, up, corner);
    }
  }
  return values;
}

/** @type {(left: number, up: number, corner: number) => number} */
function nearest(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
