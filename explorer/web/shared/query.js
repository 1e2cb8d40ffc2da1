// [[key, value]] as the query of an address that people can read: what may stand in one as it is stays as it is, what has
// no value is left out.
/** @type {(parts: [key: string, value: string | number | null | undefined][]) => string} */
export function queryOf(parts) {
  /** @type {(text: string | number) => string} */
  const plainly = (text) => encodeURIComponent(text).replace(/%(2C|3D|3B|3A|2F|7C)/g, decodeURIComponent);
  return parts
    .flatMap(([key, value]) => (value === null || value === undefined ? [] : [`${key}=${plainly(value)}`]))
    .join("&");
}
